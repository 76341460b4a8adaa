// Who answers this chat and how: the button with the model's name, and the doors to the list and to the settings.

import { postForm, postJson } from "./http.js";
import { showToast } from "./toast.js";

const button = document.getElementById("model-button");

// Lets a model answer, "" for the default one; false, with a notice, where it cannot.
export async function choose(chat, choice) {
  try {
    const response = await postForm(chat.id ? `/c/${chat.id}/model/` : "/c/model/", { choice });
    show(chat, await response.json());
    if (!chat.id) chat.wishes.model = choice;
  } catch (problem) {
    showToast(problem.message);
    return false;
  }
  return true;
}

function show(chat, engine) {
  button.dataset.choice = engine.choice;
  delete button.dataset.missing;
  button.querySelector(".model-name").textContent = engine.name;
  document.getElementById("engine").textContent = engine.sentence;
  chat.tell("engine", engine);
}

// Begins a chat, with what was chosen for it before its first question; returns its id.
export async function beginChat({ model = "", system_prompt = "", options = {} }) {
  const { id } = await postJson("/api/conversations/", { model });
  if (system_prompt || Object.keys(options).length) await postForm(`/c/${id}/settings/`, { system_prompt, ...options });
  return id;
}

export function startEngine(chat) {
  if (!chat.id && button.dataset.choice) chat.wishes.model = button.dataset.choice;
  button.addEventListener("click", async () => {
    (await import("./models.js")).openModels(chat, button, (choice) => choose(chat, choice));
  });
  document.getElementById("settings-button").addEventListener("click", async () => {
    (await import("./settings.js")).openSettings(chat);
  });
}
