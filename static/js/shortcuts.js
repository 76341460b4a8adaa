// Keys that work everywhere on the chat page.

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

export function startShortcuts(chat) {
  document.addEventListener("keydown", (event) => pressed(event, chat));
  for (const hint of document.querySelectorAll("[data-shortcut]")) {
    hint.textContent = (mac ? "⌘" : "Ctrl ") + hint.dataset.shortcut;
  }
}
