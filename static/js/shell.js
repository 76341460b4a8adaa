// What every room has: the sidebar, notices, light and dark. A room without a script of its own loads it alone.

import { csrfToken, postForm } from "./http.js";
import { startSidebar } from "./sidebar.js";
import { startToasts } from "./toast.js";

function switchTheme() {
  const root = document.documentElement;
  const dark = getComputedStyle(root).colorScheme === "dark" || (root.dataset.theme === "system" && prefersDark());
  root.dataset.theme = dark ? "light" : "dark";
  postForm("/accounts/theme/", { theme: root.dataset.theme }).catch(() => {}); // lasts at least until the next page
}

function prefersDark() {
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

document.body.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = csrfToken();
});
document.querySelector('[data-action="theme"]').addEventListener("click", switchTheme);
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
document.cookie = `nitro-zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
startSidebar();
startToasts();
