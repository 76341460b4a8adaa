// A conversation by voice: hold the button or leave your hands free, see your words, hear the answer, interrupt it.

import { Aloud } from "./aloud.js";
import { Microphone } from "./microphone.js";
import { newId } from "./outbox.js";
import { Recording } from "./recording.js";
import { showToast } from "./toast.js";
import { VoiceSocket } from "./voicesocket.js";

const area = document.getElementById("question");
const button = document.getElementById("speak");
const free = document.getElementById("hands-free");
const status = document.getElementById("voice-status");
const SAYINGS = {
  opening: "One moment…",
  hold: "Listening…",
  free: "Just speak.",
  speaking: "Speaking. Esc stops it.",
  off: "",
};

export class Talk {
  #chat;
  #socket = new VoiceSocket();
  #aloud;
  #microphone = new Microphone();
  #recording = null;
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
    this.#socket.addEventListener("away", () => this.#away());
    document.addEventListener("keydown", (event) => this.#key(event), { capture: true });
  }

  // --- what the person wants ---

  hold() {
    return this.#mode === "hold" ? this.letGo() : this.#begin("hold");
  }

  letGo() {
    if (this.#mode !== "hold") return;
    if (this.#recording.listens) this.#recording.end();
    else this.#cancel(); // nothing can have been heard
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

  #begin(mode) {
    this.#cancel();
    this.#aloud.wake();
    this.#interrupt();
    this.#mode = mode;
    this.#before = area.value.trim();
    this.#listen = newId();
    this.#recording = new Recording(this.#microphone, this.#socket, {
      listening: () => this.#show(),
      level: (level) => button.style.setProperty("--level", Math.min(1, level * 6).toFixed(2)),
      problem: (problem) => this.#problem(problem),
    });
    this.#show();
    this.#recording.begin({ type: "listen", id: this.#listen, mode: mode === "hold" ? "hold" : "open" });
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
    this.#write("");
    this.#off();
  }

  #off() {
    this.#recording?.cancel();
    this.#recording = null;
    this.#mode = "off";
    this.#listen = "";
    this.#show();
  }

  #away() {
    if (this.#recording) this.#problem({ message: "Nitro cannot be reached right now." });
    else this.#off();
  }

  #problem({ message, hint }) {
    showToast([message, hint].filter(Boolean).join(" "));
    this.#off();
  }

  #show() {
    const { speaking } = this.#aloud;
    this.#microphone.muted = speaking && this.#microphone.hearsItself;
    button.setAttribute("aria-pressed", String(this.#mode === "hold"));
    free.setAttribute("aria-pressed", String(this.#mode === "free"));
    const state = this.#recording && !this.#recording.listens ? "opening" : this.#mode;
    status.dataset.state = speaking ? "speaking" : state;
    status.textContent = SAYINGS[status.dataset.state];
  }
}
