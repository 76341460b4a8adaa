// Copies answers, questions and code, and says that it did.

import { getText } from "./http.js";

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Pages over plain http from another machine have no clipboard.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

async function copy(button, text) {
  try {
    await write(await text);
    confirm(button);
  } catch {
    button.title = "Copying was not possible";
  }
}

function confirm(button) {
  const use = button.querySelector("use");
  const label = button.querySelector("span");
  use.setAttribute("href", "#icon-check");
  if (label) label.textContent = "Copied";
  setTimeout(() => {
    use.setAttribute("href", "#icon-copy");
    if (label) label.textContent = "Copy";
  }, 1600);
}

export function decorateCode(root) {
  const template = document.getElementById("copy-template").content.firstElementChild;
  for (const figure of root.querySelectorAll("figure.code")) {
    const caption = figure.querySelector("figcaption");
    if (!caption || caption.querySelector(".copy-code")) continue;
    const button = template.cloneNode(true);
    button.setAttribute("aria-label", `Copy this code${caption.textContent ? ` (${caption.textContent.trim()})` : ""}`);
    caption.append(button);
  }
}

const WAYS = {
  "copy-code": (button) => button.closest("figure").querySelector("pre").textContent.replace(/\n$/, ""),
  "copy-question": (button) => button.closest(".message").querySelector(".bubble").textContent,
  "copy-answer": (button) => {
    const conversation = document.getElementById("stage").dataset.conversation;
    return getText(`/c/${conversation}/m/${button.closest(".message").dataset.message}/text/`);
  },
};

export function startCopy() {
  const messages = document.getElementById("messages");
  decorateCode(messages);
  messages.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    const way = button && WAYS[button.dataset.action];
    if (way) copy(button, way(button));
  });
  document.body.addEventListener("htmx:afterSettle", () => decorateCode(messages));
}
