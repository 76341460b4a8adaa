// One websocket that comes back: at once after a restart of the server, with growing pauses otherwise.

import { offerToGoOn, wentOn } from "./pausing.js";

const RESTARTING = 1012;
const PAUSED = 4408;
const FINAL = new Set([1007, 4401, 4404]);
const PATIENCE = 1500;
const LONGEST = 10_000;

export class Socket {
  #path;
  #listener;
  #socket = null;
  #tries = 0;
  #timer = 0;
  #worry = 0;

  // listener: { opened(), frame(object), away(boolean), refused(code) }
  constructor(path, listener) {
    this.#path = path;
    this.#listener = listener;
    this.#open();
    window.addEventListener("online", () => this.#now());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#now());
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  // What cannot be sent while the chat is paused is sent once it goes on: its requests are kept.
  send(frame) {
    if (this.code === PAUSED) this.#goOn();
    if (this.isOpen) this.#socket.send(JSON.stringify(frame));
    return this.isOpen;
  }

  #goOn = () => {
    if (this.code !== PAUSED) return;
    this.code = 0;
    wentOn();
    this.#open();
  };

  #now() {
    if (this.#socket || FINAL.has(this.code) || this.code === PAUSED) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  #open() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.#socket = new WebSocket(`${scheme}//${location.host}${this.#path}`);
    this.#socket.onopen = () => this.#opened();
    this.#socket.onmessage = (event) => this.#listener.frame(JSON.parse(event.data));
    this.#socket.onclose = (event) => this.#closed(event.code);
    this.#worry ||= setTimeout(() => this.#listener.away(true), PATIENCE);
  }

  #opened() {
    this.#tries = 0;
    clearTimeout(this.#worry);
    this.#worry = 0;
    this.#listener.away(false);
    this.#listener.opened();
  }

  #closed(code) {
    this.#socket = null;
    this.code = code;
    if (code === PAUSED) {
      offerToGoOn(this.#goOn);
      return;
    }
    if (FINAL.has(code)) {
      clearTimeout(this.#worry);
      this.#listener.refused(code);
      return;
    }
    this.#worry ||= setTimeout(() => this.#listener.away(true), PATIENCE);
    this.#timer = setTimeout(() => this.#open(), this.#pause(code));
  }

  #pause(code) {
    const jitter = 0.5 + Math.random();
    if (code === RESTARTING && this.#tries === 0) {
      this.#tries = 1;
      return 500 * jitter;
    }
    return Math.min(LONGEST, 300 * 2 ** this.#tries++) * jitter;
  }
}
