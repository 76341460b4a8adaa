// What was asked for and is not accepted yet: shown in advance, sent until the server has it, taken back when refused.

import { newId, Outbox } from "./outbox.js";
import * as thread from "./thread.js";
import { showToast } from "./toast.js";

export class Requests {
  #pending = new Map(); // id → { frame, question?, answer, undo?, stop? }
  #failed = new Map(); // answer → asks that were refused and can be sent again
  #outbox = new Outbox("");

  // The questions that a reload found unsent are shown again.
  open(conversation) {
    this.#outbox = new Outbox(conversation);
    for (const frame of this.#outbox.frames) {
      if (frame.type === "ask" && !this.#pending.has(frame.id)) this.show(frame);
    }
  }

  get some() {
    return this.#pending.size > 0;
  }

  get frames() {
    return this.#outbox.frames;
  }

  // Shows a question, and the place of its answer, before the server knows of them.
  show(frame) {
    this.#show(frame, { question: thread.newQuestion(frame.text, frame.attachments) });
  }

  // The same for another version of what is there; `pending.undo` brings back what it replaces.
  start(frame, pending) {
    const whole = { id: newId(), ...frame };
    this.#show(whole, pending);
    this.#outbox.add(whole);
    return whole;
  }

  keep(frame) {
    this.#outbox.add(frame);
  }

  #show(frame, pending) {
    if (!pending.answer) {
      pending.answer = thread.newAnswer();
      thread.add(...[pending.question, pending.answer].filter(Boolean));
    }
    this.#pending.set(frame.id, { ...pending, frame });
  }

  stop() {
    for (const pending of this.#pending.values()) pending.stop = true;
  }

  // The article of the answer, where the page has one, and whether it should stop at once.
  accepted(ids) {
    this.#outbox.remove(ids.id);
    const pending = this.#pending.get(ids.id);
    this.#pending.delete(ids.id);
    const article = pending ? thread.place(pending, ids) : thread.byMessage(ids.answer);
    return { article, stop: pending?.stop, edited: pending?.frame.type === "edit" };
  }

  refused(id, problem) {
    this.#outbox.remove(id);
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending?.undo) {
      pending.undo();
      showToast(problem.message);
    } else if (pending) {
      thread.showProblem(pending.answer, problem);
      this.#failed.set(pending.answer, pending);
    }
  }

  // Takes a refused question out of the page; returns its frame.
  takeBack(answer) {
    const pending = this.#failed.get(answer);
    this.#failed.delete(answer);
    pending?.question.remove();
    pending?.answer.remove();
    return pending?.frame;
  }
}
