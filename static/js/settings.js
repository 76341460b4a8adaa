// The sheet with this chat's settings. Loaded when it is opened; of a chat that has not begun the page keeps them.

import { swapIn } from "./http.js";
import { showToast } from "./toast.js";

const sheet = document.getElementById("chat-settings");
let chat;

export async function openSettings(theChat) {
  if (!chat) listen();
  chat = theChat;
  const url = chat.id ? `/c/${chat.id}/settings/` : "/c/settings/";
  if (sheet.dataset.of !== url) {
    await swapIn("GET", url, document.getElementById("chat-settings-body"));
    sheet.dataset.of = chat.id ? "" : url; // what another tab saves is seen at the next opening
  }
  sheet.showModal();
}

function listen() {
  sheet.addEventListener("click", (event) => {
    const action = event.target.closest("[data-action]")?.dataset.action;
    if (action === "settings-reset") reset();
    if (action === "settings-close" || event.target === sheet) sheet.close();
  });
  document.body.addEventListener("nitro:configured", (event) => {
    const { options, system_prompt } = event.detail;
    if (!chat.id) Object.assign(chat.wishes, { options, system_prompt });
    chat.tell("configured", event.detail);
    sheet.close();
    showToast("Saved. The next answer follows it.");
  });
}

function reset() {
  for (const field of sheet.querySelectorAll("textarea, input:not([type=hidden])")) field.value = "";
  sheet.querySelector("textarea").focus();
}
