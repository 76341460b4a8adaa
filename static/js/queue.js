// Questions that were asked while an answer was being written: shown, editable, sent one after the other.

import { newId, recall, remember } from "./outbox.js";

const box = document.getElementById("queue");
const list = box.querySelector(".queue-list");
const go = box.querySelector('[data-action="queue-go"]');
const WAITS = new Set(["failed", "interrupted"]);

export class Queue {
  #chat;
  #items;
  #waiting = false;

  constructor(chat) {
    this.#chat = chat;
    this.#items = recall(this.#key, []);
    chat.addEventListener("ended", (event) => {
      this.#waiting = WAITS.has(event.detail);
      this.#next();
    });
    chat.addEventListener("named", () => this.#save());
    chat.addEventListener("changed", () => this.#show());
    go.addEventListener("click", () => {
      this.#waiting = false;
      this.#next();
    });
    list.addEventListener("click", (event) => this.#clicked(event));
    this.#show();
    this.#next();
  }

  get isEmpty() {
    return this.#items.length === 0;
  }

  get #key() {
    return `nitro:queue:${this.#chat.id || "new"}`;
  }

  // more: what stands beside the question, as fields of its frame
  add(text, more = {}) {
    this.#items.push({ id: newId(), text, more });
    this.#save();
  }

  // Each question has its id from the beginning: two tabs that both send it make one message.
  #next() {
    if (this.isEmpty || this.#waiting || this.#chat.busy) return;
    const { id, text, more } = this.#items.shift();
    this.#save();
    this.#chat.ask(text, id, more);
  }

  #save() {
    if (this.#chat.id) remember(this.#key, this.#items);
    this.#show();
  }

  #show() {
    box.hidden = this.isEmpty;
    go.hidden = this.#chat.busy;
    document.getElementById("queue-label").textContent = this.#chat.busy ? "Next" : "Waiting";
    if (list.querySelector("input")) return;
    list.replaceChildren(...this.#items.map((item) => this.#row(item)));
  }

  #row({ id, text }) {
    const row = document.getElementById("queued-template").content.firstElementChild.cloneNode(true);
    row.dataset.id = id;
    row.querySelector(".queued-text").textContent = text;
    return row;
  }

  #clicked(event) {
    const row = event.target.closest(".queued");
    const action = event.target.closest("[data-action]")?.dataset.action;
    if (action === "queue-edit") this.#edit(row);
    if (action !== "queue-remove") return;
    this.#items = this.#items.filter((item) => item.id !== row.dataset.id);
    this.#save();
  }

  #edit(row) {
    const item = this.#items.find(({ id }) => id === row.dataset.id);
    const input = document.createElement("input");
    input.type = "text";
    input.value = item.text;
    input.setAttribute("aria-label", "Waiting question");
    const finish = () => {
      item.text = input.value.trim() || item.text;
      input.remove();
      this.#save();
    };
    input.addEventListener("blur", finish);
    input.addEventListener("keydown", (pressed) => pressed.key === "Enter" && (pressed.preventDefault(), input.blur()));
    row.querySelector(".queued-text").replaceChildren(input);
    input.focus();
  }
}
