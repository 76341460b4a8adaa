// Short notices that go away by themselves, but not while somebody points at them or has the focus in them.

import { elementOf } from "./http.js";

const LIFETIME = 8000;
const toasts = document.getElementById("toasts");

function arm(toast) {
  if (toast.dataset.armed) return;
  toast.dataset.armed = "";
  let timer = 0;
  const start = () => (timer = setTimeout(() => toast.remove(), LIFETIME));
  const hold = () => clearTimeout(timer);
  toast.addEventListener("pointerenter", hold);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("pointerleave", start);
  toast.addEventListener("focusout", start);
  start();
}

export function showToast(text) {
  const toast = elementOf('<div class="toast" data-toast><span></span></div>');
  toast.firstElementChild.textContent = text;
  toasts.replaceChildren(toast);
}

export function startToasts() {
  const armAll = () => toasts.querySelectorAll("[data-toast]").forEach(arm);
  new MutationObserver(armAll).observe(toasts, { childList: true });
  toasts.addEventListener("click", (event) => {
    if (event.target.closest('[data-action="toast-close"]')) event.target.closest(".toast").remove();
  });
  armAll();
  // The address that offered to undo a deletion should not offer it again on reload.
  if (new URLSearchParams(location.search).has("deleted")) history.replaceState(null, "", "/");
  document.body.addEventListener("htmx:responseError", (event) => {
    showToast(event.detail.xhr.status === 404 ? "That is no longer there." : "That did not work. Try again.");
  });
  document.body.addEventListener("htmx:sendError", () => showToast("Nitro cannot be reached right now."));
}
