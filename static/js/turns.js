// The answers that are being written right now: follows them from their first word to their end.

import { say, sayEnd } from "./announce.js";
import { getText } from "./http.js";
import { LiveAnswer } from "./live.js";
import * as thread from "./thread.js";

export class Turns {
  #live = new Map(); // turn → LiveAnswer
  #chat;

  // chat: { id, send(frame), changed(), ended(finish_reason) }
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
    this.#chat.changed();
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
    }
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
    this.#settle(live.article);
    this.#chat.changed();
    this.#chat.ended(frame.finish_reason);
  }

  // The server's own rendering brings the versions, the figures and the buttons that fit the end.
  async #settle(article) {
    try {
      thread.settle(article, await getText(`/c/${this.#chat.id}/m/${article.dataset.message}/`));
    } catch {
      // The words are all there; only the figures are missing until the next reload.
    }
  }
}
