// Conducts the conversation: what was asked here, and what the server has accepted of it.

import { getText, postJson } from "./http.js";
import { newId, Outbox } from "./outbox.js";
import { follow } from "./scroll.js";
import { Socket } from "./socket.js";
import * as thread from "./thread.js";
import { showToast } from "./toast.js";
import { Turns } from "./turns.js";

const stage = document.getElementById("stage");

// Events: "changed" (busy or not), "named" (a new chat has its id), "ended" (an answer is complete).
export class Chat extends EventTarget {
  #turns = new Turns(this);
  #pending = new Map(); // request → { frame, question?, answer, undo?, stop? }
  #failed = new Map(); // answer → asks that were refused and can be sent again
  #outbox = null;
  #socket = null;

  constructor() {
    super();
    this.id = stage.dataset.conversation;
    if (!this.id) return;
    this.#outbox = new Outbox(this.id);
    for (const frame of this.#outbox.frames) if (frame.type === "ask") this.#showAsk(frame);
    this.#connect();
    this.adopt();
  }

  get busy() {
    return this.#pending.size > 0 || this.#turns.some;
  }

  send(frame) {
    return this.#socket?.send(frame) ?? false;
  }

  changed() {
    this.dispatchEvent(new Event("changed"));
  }

  ended(reason) {
    this.dispatchEvent(new CustomEvent("ended", { detail: reason }));
  }

  adopt() {
    this.#turns.adopt();
  }

  // --- what the reader does ---

  async ask(text, id = newId()) {
    const frame = { type: "ask", id, text };
    this.#showAsk(frame);
    follow();
    this.changed();
    try {
      if (!this.id) await this.#begin();
      this.#post(frame);
    } catch (problem) {
      this.#refused(frame.id, problem);
    }
  }

  async #begin() {
    const { id } = await postJson("/api/conversations/", {});
    this.id = stage.dataset.conversation = id;
    history.replaceState(null, "", `/c/${id}/`);
    this.#outbox = new Outbox(id);
    this.dispatchEvent(new Event("named"));
    this.#connect();
  }

  retry(article) {
    const undo = thread.cutFrom(article);
    this.#request({ type: "retry", message: article.dataset.message }, { undo });
  }

  edit(article, text) {
    const undo = thread.cutFrom(article);
    const question = thread.newQuestion(text);
    this.#request({ type: "edit", message: article.dataset.message, text }, { undo, question });
  }

  continue(article) {
    const undo = thread.reopen(article);
    this.#request({ type: "continue", turn: article.dataset.turn }, { undo, answer: article });
  }

  resend(article) {
    const pending = this.#failed.get(article);
    if (!pending) return;
    this.#failed.delete(article);
    pending.question.remove();
    pending.answer.remove();
    this.ask(pending.frame.text);
  }

  stop() {
    this.#turns.stop();
    for (const pending of this.#pending.values()) pending.stop = true;
  }

  #request(frame, pending) {
    frame.id = newId();
    if (!pending.answer) {
      pending.answer = thread.newAnswer();
      thread.add(...[pending.question, pending.answer].filter(Boolean));
    }
    this.#pending.set(frame.id, { ...pending, frame });
    follow();
    this.#post(frame);
    this.changed();
  }

  #showAsk(frame) {
    const pending = { frame, question: thread.newQuestion(frame.text), answer: thread.newAnswer() };
    thread.add(pending.question, pending.answer);
    this.#pending.set(frame.id, pending);
  }

  #post(frame) {
    this.#outbox.add(frame);
    this.send(frame);
  }

  // --- what the server says ---

  #connect() {
    this.#socket = new Socket(`/ws/chat/${this.id}/?html=1`, {
      opened: () => this.#opened(),
      frame: (frame) => this.#hear(frame),
      away: (away) => (document.getElementById("connection").hidden = !away),
      refused: (code) => (code === 4401 ? location.reload() : showToast("This chat is no longer there.")),
    });
  }

  #opened() {
    for (const frame of this.#outbox.frames) this.send(frame);
    this.#turns.attachAll();
  }

  #hear(frame) {
    if (frame.type === "accepted") this.#accepted(frame);
    else if (frame.type === "news") this.#news(frame);
    else if (frame.type !== "error") this.#turns[frame.type]?.(frame);
    else if (frame.turn) this.#turns.problem(frame);
    else if (frame.id) this.#refused(frame.id, frame);
    else showToast(frame.message);
  }

  #accepted(frame) {
    this.#outbox.remove(frame.id);
    const pending = this.#pending.get(frame.id);
    this.#pending.delete(frame.id);
    const article = pending ? thread.place(pending, frame) : thread.byMessage(frame.answer);
    if (!article) this.#reload();
    else if (article.dataset.state === "running" && !this.#turns.has(frame.turn)) {
      this.#turns.follow(frame.turn, article).phase("Waiting for the model…");
    }
    if (pending?.stop) this.#turns.stop();
    if (pending?.frame.type === "edit") this.#refresh(frame.question);
    thread.retitle(frame.title);
    this.changed();
    this.dispatchEvent(new Event("accepted"));
  }

  #refused(id, problem) {
    this.#outbox?.remove(id);
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending?.undo) {
      pending.undo();
      showToast(problem.message);
    } else if (pending) {
      thread.showProblem(pending.answer, problem);
      this.#failed.set(pending.answer, pending);
    }
    this.changed();
  }

  // A turn began somewhere: in another tab, when it is none of ours.
  #news({ kind, turn }) {
    if (kind !== "turn" || this.#turns.has(turn) || this.#pending.size > 0) return;
    if (!thread.byTurn(turn)) this.#reload();
  }

  async #refresh(message) {
    thread.settle(thread.byMessage(message), await getText(`/c/${this.id}/m/${message}/`));
  }

  async #reload() {
    await window.htmx.ajax("GET", `/c/${this.id}/`, { target: "#messages", swap: "innerHTML" });
    this.adopt();
  }
}
