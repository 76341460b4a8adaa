// Where one writes: Enter sends, Shift+Enter breaks the line, the draft survives a reload.

import { besideWaits, takeBeside } from "./beside.js";
import { draw, isDrawing } from "./draw.js";
import { recall, remember } from "./outbox.js";

const form = document.getElementById("composer");
const area = document.getElementById("question");
const send = document.getElementById("send");
const stop = document.getElementById("stop");

function key(chat) {
  return `nitro:draft:${chat.id || "new"}`;
}

// Browsers without field-sizing get their height by hand.
function resize() {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}

export function startComposer(chat, queue) {
  const update = () => {
    const empty = !area.value.trim();
    stop.hidden = !chat.busy;
    send.hidden = chat.busy && empty;
    send.disabled = empty || besideWaits();
    send.setAttribute("aria-label", chat.busy ? "Send after this answer" : "Send");
    send.title = send.getAttribute("aria-label");
    resize();
  };

  const put = (text) => {
    area.value = text;
    remember(key(chat), text);
    update();
  };

  const submit = (text) => {
    if (!text.trim()) return;
    if (isDrawing(text)) {
      draw(chat, text);
      return;
    }
    const more = takeBeside();
    if (chat.busy || !queue.isEmpty) queue.add(text, more);
    else chat.ask(text, undefined, more);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (besideWaits()) return;
    submit(area.value);
    if (chat.id) put("");
    else area.value = ""; // of a chat that has no id yet the draft is kept until it has
    update();
  });
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  area.addEventListener("input", () => put(area.value));
  stop.addEventListener("click", () => {
    chat.stop();
    area.focus();
  });
  document.querySelector(".examples").addEventListener("click", (event) => {
    if (event.target.dataset.example) submit(event.target.dataset.example);
    area.focus();
  });
  chat.addEventListener("changed", update);
  chat.addEventListener("named", () => remember("nitro:draft:new", area.value));

  if (!area.value) area.value = recall(key(chat), "");
  update();
}
