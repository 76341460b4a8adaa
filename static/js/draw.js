// Pictures in a chat: "/image …" orders one, and the answer shows how it is drawn.

import { reload } from "./fragments.js";
import { postForm } from "./http.js";
import { newId } from "./outbox.js";
import { follow } from "./scroll.js";
import { byTurn, retitle } from "./thread.js";
import { showToast } from "./toast.js";

const COMMAND = "/image";
const stage = document.getElementById("stage");
const area = document.getElementById("question");

export function isDrawing(text) {
  return text === COMMAND || text.startsWith(`${COMMAND} `) || text.startsWith(`${COMMAND}\n`);
}

// The news of the turn make every tab show it, this one too. Where Redis is away there are no news.
async function shown(turn) {
  for (let tries = 0; tries < 12 && !byTurn(turn); tries++) await new Promise((resume) => setTimeout(resume, 100));
  return byTurn(turn);
}

// Orders what was typed; what could not be ordered is put back to where one writes.
export async function draw(chat, text) {
  try {
    const id = await chat.begun();
    const response = await postForm(`/c/${id}/draw/`, { id: newId(), text });
    const { title, turn } = await response.json();
    if (!(await shown(turn))) await reload(id);
    delete stage.dataset.empty;
    retitle(title);
    chat.tell("accepted", { title });
    follow();
  } catch (problem) {
    if (!area.value) {
      area.value = text;
      area.dispatchEvent(new Event("input"));
    }
    showToast(`${problem.message} ${problem.hint ?? ""}`.trim());
  }
}

// The cards of jobs bring their own script, where there are any.
async function followCards() {
  if (!document.querySelector('[data-job]:is([data-state="queued"], [data-state="running"])')) return;
  const { followJobs } = await import("./drawing.js");
  followJobs();
}

export function startDrawing() {
  document.getElementById("tools").addEventListener("click", (event) => {
    if (!event.target.closest('[data-tool="image"]')) return;
    if (!isDrawing(area.value)) area.value = `${COMMAND} ${area.value}`;
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
    area.dispatchEvent(new Event("input"));
  });
  document.body.addEventListener("htmx:afterSettle", followCards);
}
