// The room of search: a question becomes a chat that searches first. Without this script the form finds pages alone.

import { startCitations } from "./citations.js";
import { postJson } from "./http.js";
import { newId, Outbox } from "./outbox.js";
import "./shell.js";
import { showToast } from "./toast.js";

const form = document.getElementById("search-form");

// The question is left for the chat's page, which sends it as soon as it is open.
async function ask(text) {
  const { id } = await postJson("/api/conversations/", {});
  new Outbox(id).add({ type: "ask", id: newId(), text, search: true });
  location.assign(`/c/${id}/`);
}

function asked(text, button) {
  button.disabled = true;
  ask(text).catch((problem) => {
    button.disabled = false;
    showToast(problem.message);
  });
}

if (form) {
  const hint = document.getElementById("search-hint");
  hint.textContent = hint.dataset.answers;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = form.elements.query.value.trim();
    if (!text) return;
    document.getElementById("search-wait").hidden = false;
    asked(text, form.querySelector(".button"));
  });
}

for (const button of document.querySelectorAll("[data-ask]")) {
  button.hidden = false;
  button.addEventListener("click", () => asked(button.dataset.ask, button));
}

startCitations();
