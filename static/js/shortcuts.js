// Keys that work everywhere on the page, and the switch between light and dark.

import { postForm } from "./http.js";
import { closeDrawer } from "./sidebar.js";

const mac = /Mac|iPhone|iPad/.test(navigator.platform);

function newChat() {
  if (location.pathname === "/") document.getElementById("question").focus();
  else location.assign("/");
}

function pressed(event, chat) {
  const writing = event.target.closest?.("input, textarea:not(#question)");
  if ((mac ? event.metaKey : event.ctrlKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    newChat();
  } else if (event.key === "Escape" && !closeDrawer() && !writing && chat.busy) {
    chat.stop();
  } else if (event.key === "/" && !event.target.closest?.("input, textarea")) {
    event.preventDefault();
    document.getElementById("question").focus();
  }
}

function switchTheme() {
  const root = document.documentElement;
  const dark = getComputedStyle(root).colorScheme === "dark" || (root.dataset.theme === "system" && prefersDark());
  root.dataset.theme = dark ? "light" : "dark";
  postForm("/accounts/theme/", { theme: root.dataset.theme }).catch(() => {}); // lasts at least until the next page
}

function prefersDark() {
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

export function startShortcuts(chat) {
  document.addEventListener("keydown", (event) => pressed(event, chat));
  document.querySelector('[data-action="theme"]').addEventListener("click", switchTheme);
  for (const hint of document.querySelectorAll("[data-shortcut]")) {
    hint.textContent = (mac ? "⌘" : "Ctrl ") + hint.dataset.shortcut;
  }
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  document.cookie = `nitro-zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
}
