// Reads answers aloud: the one that follows a spoken question, while it is still being written, or any other on demand.

import { getText } from "./http.js";
import { Player } from "./player.js";

const PIECE = 10_000; // characters of a text that go into one frame

export class Aloud {
  taste = {}; // what the server told of this person's wishes
  #socket;
  #player;
  #expecting = false; // whether the next answer is to be heard
  #reading = ""; // the name of the text that is being read
  #writing = false; // whether more of it comes

  // changed() is called when the voice sets in or falls silent.
  constructor(chat, socket, changed) {
    this.#socket = socket;
    this.#player = new Player({ played: ({ id, index }) => this.#send({ type: "played", id, index }), changed });
    socket.addEventListener("hello", ({ detail }) => (this.taste = detail));
    socket.addEventListener("sentence", ({ detail }) => {
      if (detail.id === this.#reading) this.#player.add({ ...this.taste, ...detail });
    });
    socket.addEventListener("said", ({ detail }) => {
      if (detail.id === this.#reading && !this.#writing) this.#reading = "";
    });
    socket.addEventListener("paused", () => this.#still());
    chat.addEventListener("words", ({ detail }) => this.#words(detail));
    chat.addEventListener("ended", () => this.#end());
  }

  get speaking() {
    return this.#player.speaking;
  }

  // Whether something is said, or is about to be.
  get busy() {
    return this.speaking || this.#reading !== "";
  }

  wake() {
    this.#player.wake();
  }

  expect() {
    this.hush();
    this.#expecting = true;
  }

  hush() {
    if (this.#reading) this.#send({ type: "hush" });
    this.#still();
  }

  #still() {
    this.#reading = "";
    this.#expecting = this.#writing = false;
    this.#player.stop();
  }

  async read(conversation, message) {
    this.wake();
    this.hush();
    this.#reading = message;
    const text = await getText(`/c/${conversation}/m/${message}/text/`);
    await this.#socket.open();
    for (let place = 0; place < text.length; place += PIECE) {
      this.#send({ type: "say", id: message, text: text.slice(place, place + PIECE) });
    }
    this.#send({ type: "say", id: message, text: "", end: true });
  }

  #words({ turn, text }) {
    if (this.#expecting) {
      this.#expecting = false;
      this.#writing = true;
      this.#reading = turn;
    }
    if (this.#writing && this.#reading === turn) this.#send({ type: "say", id: turn, text });
  }

  #end() {
    if (this.#writing) this.#send({ type: "say", id: this.#reading, text: "", end: true });
    this.#writing = false;
  }

  #send(frame) {
    this.#socket.send(frame).catch(() => {}); // the socket has told already that it is away
  }
}
