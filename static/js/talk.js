// A conversation by voice: hold the button or leave your hands free, see your words, hear the answer, interrupt it.

import { Aloud } from "./aloud.js";
import { Microphone } from "./microphone.js";
import { newId } from "./outbox.js";
import { showToast } from "./toast.js";
import { VoiceSocket } from "./voicesocket.js";

const area = document.getElementById("question");
const button = document.getElementById("speak");
const free = document.getElementById("hands-free");
const status = document.getElementById("voice-status");
const SAYINGS = { hold: "Listening…", free: "Just speak.", speaking: "Speaking. Esc stops it.", off: "" };

export class Talk {
  #chat;
  #socket = new VoiceSocket();
  #aloud;
  #microphone = null;
  #mode = "off"; // off, hold, free
  #listen = ""; // the name of the recording
  #before = ""; // what had been typed

  constructor(chat) {
    this.#chat = chat;
    this.#aloud = new Aloud(chat, this.#socket, () => this.#show());
    const on = (name, act) =>
      this.#socket.addEventListener(name, ({ detail }) => detail.id === this.#listen && act(detail));
    on("speech", () => this.#interrupt());
    on("partial", (frame) => this.#write(frame.text));
    on("final", (frame) => this.#final(frame.text));
    on("ended", () => this.#off());
    this.#socket.addEventListener("error", ({ detail }) => this.#problem(detail));
    this.#socket.addEventListener("away", () => this.#off());
    document.addEventListener("keydown", (event) => this.#key(event), { capture: true });
  }

  // --- what the person wants ---

  hold() {
    return this.#mode === "hold" ? this.letGo() : this.#begin("hold");
  }

  letGo() {
    if (this.#mode !== "hold") return;
    this.#microphone?.close();
    this.#socket.send({ type: "end" }).catch(() => {});
  }

  handsFree() {
    return this.#mode === "free" ? this.#cancel() : this.#begin("free");
  }

  async readAloud(conversation, message) {
    try {
      await this.#aloud.read(conversation, message);
    } catch (problem) {
      this.#problem(problem);
    }
  }

  #key(event) {
    if (event.key !== "Escape" || !(this.#mode === "hold" || this.#aloud.busy)) return;
    event.stopImmediatePropagation();
    if (this.#mode === "hold") this.#cancel();
    else this.#interrupt();
  }

  // Somebody begins to speak, or presses Esc: Nitro is silent, and writes on unless asked not to.
  #interrupt() {
    const spoke = this.#aloud.busy;
    this.#aloud.hush();
    if (spoke && this.#aloud.taste.stop_answer && this.#chat.busy) this.#chat.stop();
  }

  // --- listening ---

  async #begin(mode) {
    this.#cancel();
    this.#aloud.wake();
    this.#interrupt();
    this.#mode = mode;
    this.#before = area.value.trim();
    this.#listen = newId();
    this.#show();
    try {
      await this.#record({ type: "listen", id: this.#listen, mode: mode === "hold" ? "hold" : "open" });
    } catch (problem) {
      this.#problem(problem);
    }
  }

  async #record(frame) {
    const early = []; // what is said before the connection stands must not be lost
    let open = false;
    this.#microphone = new Microphone();
    await this.#microphone.open((sound, level) => {
      button.style.setProperty("--level", Math.min(1, level * 6).toFixed(2));
      if (!open) early.push(sound);
      else if (!this.#socket.sound(sound)) this.#problem({ message: "The connection is too slow for your voice." });
    });
    await this.#socket.send(frame);
    for (const sound of early) this.#socket.sound(sound);
    open = true;
  }

  #write(text) {
    area.value = [this.#before, text].filter(Boolean).join(" ");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #final(text) {
    this.#write(text);
    if (!text.trim()) return;
    this.#before = "";
    this.#aloud.expect();
    document.getElementById("composer").requestSubmit();
  }

  #cancel() {
    if (this.#mode === "off") return;
    this.#socket.send({ type: "cancel" }).catch(() => {});
    this.#write("");
    this.#off();
  }

  #off() {
    this.#microphone?.close();
    this.#microphone = null;
    this.#mode = "off";
    this.#listen = "";
    this.#show();
  }

  #problem({ message, hint }) {
    showToast([message, hint].filter(Boolean).join(" "));
    this.#off();
  }

  #show() {
    const { speaking } = this.#aloud;
    if (this.#microphone) this.#microphone.muted = speaking && this.#microphone.hearsItself;
    button.setAttribute("aria-pressed", String(this.#mode === "hold"));
    free.setAttribute("aria-pressed", String(this.#mode === "free"));
    status.dataset.state = speaking ? "speaking" : this.#mode;
    status.textContent = SAYINGS[status.dataset.state];
  }
}
