// The answers that are being written right now: follows them from their first word to their end.

import { say, sayEnd } from "./announce.js";
import { refresh } from "./fragments.js";
import { LiveAnswer } from "./live.js";
import * as thread from "./thread.js";

export class Turns {
  #live = new Map(); // turn → LiveAnswer
  #chat;

  // chat: { id, send(frame), tell(event, detail) }
  constructor(chat) {
    this.#chat = chat;
  }

  get some() {
    return this.#live.size > 0;
  }

  has(turn) {
    return this.#live.has(turn);
  }

  follow(turn, article) {
    const live = new LiveAnswer(turn, article);
    this.#live.set(turn, live);
    return live;
  }

  // The server has accepted something, and its words will come into this article.
  expect(turn, article) {
    if (article.dataset.state !== "running" || this.#live.has(turn)) return;
    this.follow(turn, article).phase("Waiting for the model…");
  }

  stop() {
    for (const turn of this.#live.keys()) this.#chat.send({ type: "stop", turn });
  }

  attachAll() {
    for (const live of this.#live.values()) this.#attach(live);
  }

  #attach(live) {
    live.asked = this.#chat.send({ type: "attach", turn: live.turn, after: live.seq });
  }

  // Follows the answers that the page shows as being written and nobody follows yet.
  adopt() {
    for (const article of thread.running()) {
      const { turn } = article.dataset;
      if (this.#live.get(turn)?.article !== article) this.#attach(this.follow(turn, article));
    }
    this.#chat.tell("changed");
  }

  // --- frames ---

  status(frame) {
    this.#live.get(frame.turn)?.status(frame);
  }

  delta(frame) {
    const live = this.#live.get(frame.turn);
    if (!live) return;
    const before = live.seq;
    if (!live.delta(frame)) {
      if (!live.asked) this.#attach(live);
    } else if (live.seq > before) {
      say(frame.text);
      this.#chat.tell("words", frame);
    }
  }

  reasoning(frame) {
    this.#live.get(frame.turn)?.think(frame);
  }

  problem(frame) {
    const live = this.#live.get(frame.turn);
    if (live) live.trouble = frame;
  }

  done(frame) {
    const live = this.#live.get(frame.turn);
    if (!live) return;
    if (frame.seq > live.seq + 1 && !live.asked) {
      this.#attach(live);
      return;
    }
    if (frame.html) live.patch(frame.html);
    const state = frame.finish_reason === "failed" ? "failed" : "done";
    live.end(state);
    if (live.trouble) thread.showProblem(live.article, live.trouble, "retry");
    this.#live.delete(frame.turn);
    sayEnd(live.trouble?.message);
    // If this fails, the words are all there; only the figures are missing until the next reload.
    refresh(this.#chat.id, live.article).catch(() => {});
    if (frame.context) this.#chat.tell("context", frame.context);
    this.#chat.tell("changed");
    this.#chat.tell("ended", frame.finish_reason);
  }
}
