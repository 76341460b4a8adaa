// What one can do with a message: answer again, continue, edit in place.

import { choose } from "./engine.js";
import { holdFocus } from "./hold.js";
import { cutFrom, newQuestion, reopen } from "./thread.js";

export function startActions(chat) {
  const messages = document.getElementById("messages");
  const actions = {
    retry: (article) => {
      chat.start({ type: "retry", message: article.dataset.message }, { undo: cutFrom(article) });
    },
    "default-model": async (article) => {
      if (await choose(chat, "")) actions.retry(article);
    },
    continue: (article) => {
      chat.start({ type: "continue", turn: article.dataset.turn }, { undo: reopen(article), answer: article });
    },
    resend: (article) => chat.resend(article),
    edit: (article) => openEditor(article, chat),
    "edit-cancel": (article) => closeEditor(article),
  };
  messages.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (button) actions[button.dataset.action]?.(button.closest(".message"));
  });
  let refocus = () => {};
  messages.addEventListener("htmx:beforeSwap", () => (refocus = holdPlace(messages)));
  messages.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target !== messages) return;
    refocus();
    chat.adopt();
  });
}

// The focus stays with the message at the same place, whichever version of it comes there.
function holdPlace(messages) {
  const place = [...messages.children].findIndex((message) => message.contains(document.activeElement));
  const refocus = place < 0 ? () => {} : holdFocus(messages.children[place]);
  return () => messages.children[place] && refocus(messages.children[place]);
}

function openEditor(article, chat) {
  if (article.querySelector(".edit")) return;
  const form = document.getElementById("edit-template").content.firstElementChild.cloneNode(true);
  const area = form.querySelector("textarea");
  const bubble = article.querySelector(".bubble");
  area.value = bubble.textContent;
  bubble.hidden = article.querySelector(".message-foot").hidden = true;
  article.prepend(form);
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeEditor(article);
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = area.value;
    closeEditor(article);
    if (!text.trim()) return;
    const pending = { undo: cutFrom(article), question: newQuestion(text) };
    chat.start({ type: "edit", message: article.dataset.message, text }, pending);
  });
}

function closeEditor(article) {
  article.querySelector(".edit").remove();
  article.querySelector(".bubble").hidden = article.querySelector(".message-foot").hidden = false;
  article.querySelector('[data-action="edit"]').focus();
}
