// Conducts the conversation: the reader's wishes on one side, the server's frames on the other.

import { beginChat } from "./engine.js";
import { refresh, reload } from "./fragments.js";
import { newId } from "./outbox.js";
import { tellWhy } from "./pausing.js";
import { Requests } from "./requests.js";
import { follow } from "./scroll.js";
import { Socket } from "./socket.js";
import * as thread from "./thread.js";
import { showToast } from "./toast.js";
import { Turns } from "./turns.js";

const stage = document.getElementById("stage");
const NOT_SIGNED_IN = 4401;
const LONGEST_WAIT = 5; // seconds

// Events: "changed" (busy or not), "named" (a new chat has its id), "accepted", "words" (of an answer), "ended" (it is complete).
export class Chat extends EventTarget {
  #turns = new Turns(this);
  #requests = new Requests();
  #socket = null;
  wishes = {}; // model, options and system prompt of a chat that has not begun

  constructor() {
    super();
    this.id = stage.dataset.conversation;
    if (!this.id) return;
    this.#connect();
    this.adopt();
  }

  get busy() {
    return this.#requests.some || this.#turns.some;
  }

  send(frame) {
    return this.#socket?.send(frame) ?? false;
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  adopt = () => this.#turns.adopt();

  // --- what the reader wants ---

  async ask(text, id = newId(), more = {}) {
    const frame = { type: "ask", id, text, ...more };
    this.#requests.show(frame);
    follow();
    this.tell("changed");
    try {
      await this.begun();
    } catch (problem) {
      this.#refused(id, problem);
      return;
    }
    this.#requests.keep(frame);
    this.send(frame);
  }

  // The chat's id; a chat that has none begins just now.
  async begun() {
    if (this.id) return this.id;
    const id = await beginChat(this.wishes);
    this.id = stage.dataset.conversation = id;
    history.replaceState(null, "", `/c/${id}/`);
    this.#connect();
    this.tell("named");
    return id;
  }

  // Another version of something: a retry, an edit, a continuation.
  start(frame, pending) {
    this.send(this.#requests.start(frame, pending));
    follow();
    this.tell("changed");
  }

  resend(answer) {
    const { text, id, type, ...more } = this.#requests.takeBack(answer) ?? {};
    if (text) this.ask(text, newId(), more);
  }

  stop() {
    this.#requests.stop();
    this.#turns.stop();
  }

  // --- what the server says ---

  #connect() {
    this.#requests.open(this.id);
    this.#socket = new Socket(`/ws/chat/${this.id}/?html=1`, {
      opened: () => [this.#sendAll(), this.#turns.attachAll()],
      frame: (frame) => this.#hear(frame),
      away: (away) => (document.getElementById("connection").hidden = !away),
      refused: (code) => (code === NOT_SIGNED_IN ? location.reload() : showToast("This chat is no longer there.")),
    });
  }

  #hear(frame) {
    if (frame.type === "accepted") this.#accepted(frame);
    else if (frame.type === "news") this.#news(frame);
    else if (frame.type !== "error") this.#turns[frame.type]?.(frame);
    else if (frame.turn) this.#turns.problem(frame);
    else if (frame.id && !frame.retry_after) this.#refused(frame.id, frame);
    else this.#later(frame);
  }

  #accepted(frame) {
    const { article, stop, edited } = this.#requests.accepted(frame);
    if (article) this.#turns.expect(frame.turn, article);
    else this.#reload();
    if (stop) this.#turns.stop();
    if (edited) refresh(this.id, thread.byMessage(frame.question));
    thread.retitle(frame.title);
    this.tell("changed");
    this.tell("accepted", frame);
  }

  // The server is busy: what it did not take is sent again, unless it takes too long to wait for.
  #later({ id, code, message, hint, retry_after: seconds }) {
    if (id && seconds > LONGEST_WAIT) this.#refused(id, { message, hint });
    else if (seconds) setTimeout(() => this.#sendAll(), seconds * 1000);
    else if (code === "paused") tellWhy(message); // that one has a line of its own
    else showToast(message);
  }

  #sendAll() {
    for (const frame of this.#requests.frames) this.send(frame);
  }

  #refused(id, problem) {
    this.#requests.refused(id, problem);
    this.tell("changed");
  }

  // A turn began somewhere: in another tab, when it is none of ours.
  #news(frame) {
    const { kind, turn } = frame;
    this.tell("news", frame);
    if (kind !== "turn" || this.#requests.some || this.#turns.has(turn) || thread.byTurn(turn)) return;
    this.#reload();
  }

  async #reload() {
    await reload(this.id);
    delete stage.dataset.empty;
    this.adopt();
  }
}
