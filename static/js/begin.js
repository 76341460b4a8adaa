// Begins a chat, with what was chosen for it before its first question.

import { postForm, postJson } from "./http.js";

export async function beginChat({ model = "", system_prompt = "", options = {} }) {
  const { id } = await postJson("/api/conversations/", { model });
  if (system_prompt || Object.keys(options).length) await postForm(`/c/${id}/settings/`, { system_prompt, ...options });
  return id;
}
