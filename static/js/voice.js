// The voice page's script begins here: dictation, dropping of files, and a sample of the chosen voice.

import { csrfToken } from "./http.js";
import { Microphone } from "./microphone.js";
import { newId } from "./outbox.js";
import { Recording } from "./recording.js";
import "./shell.js";
import { showToast } from "./toast.js";
import { VoiceSocket } from "./voicesocket.js";

const button = document.getElementById("speak");
const label = document.getElementById("speak-label");
const area = document.getElementById("dictated");
const copy = document.getElementById("dictated-copy");
const status = document.getElementById("voice-status");
const socket = new VoiceSocket();
const microphone = new Microphone();
let recording = null;
let listen = "";
let before = "";

function show() {
  button.setAttribute("aria-pressed", String(Boolean(recording)));
  label.textContent = recording ? "Stop" : "Speak";
  status.textContent = recording ? (recording.listens ? "Listening…" : "One moment…") : "";
  copy.disabled = !area.value.trim();
}

function write(text) {
  area.value = [before, text].filter(Boolean).join(" ");
  show();
}

function off() {
  recording?.cancel();
  recording = null;
  show();
}

function problem({ message, hint }) {
  showToast([message, hint].filter(Boolean).join(" "));
  off();
}

function on() {
  before = area.value.trim();
  listen = newId();
  recording = new Recording(microphone, socket, {
    listening: show,
    level: (level) => button.style.setProperty("--level", Math.min(1, level * 6).toFixed(2)),
    problem,
  });
  show();
  recording.begin({ type: "listen", id: listen });
}

function toggle() {
  if (!recording) return on();
  recording.end();
  recording = null;
  return show();
}

async function sample(form) {
  const data = Object.fromEntries(new FormData(form));
  const body = JSON.stringify({
    text: "This is how I sound. What would you like to know?",
    voice: data.voice,
    speed: Number(data.speed),
    language: data.language,
  });
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
  const response = await fetch("/api/voice/speak/", { method: "POST", headers, body });
  if (!response.ok) return showToast((await response.json()).message);
  const sound = new Audio(URL.createObjectURL(await response.blob()));
  sound.addEventListener("ended", () => URL.revokeObjectURL(sound.src));
  return sound.play();
}

socket.addEventListener("partial", ({ detail }) => detail.id === listen && write(detail.text));
socket.addEventListener("final", ({ detail }) => {
  if (detail.id !== listen) return;
  write(detail.text);
  before = area.value;
});
socket.addEventListener("error", ({ detail }) => problem(detail));
socket.addEventListener("away", () => recording && problem({ message: "Nitro cannot be reached right now." }));
button.addEventListener("click", toggle);
area.addEventListener("input", () => {
  before = area.value;
  show();
});
copy.addEventListener("click", async () => {
  area.select();
  await navigator.clipboard?.writeText(area.value);
  status.textContent = "Copied.";
});
document.body.addEventListener("click", (event) => {
  const wish = event.target.closest('[data-action="sample"]');
  if (wish) sample(wish.form).catch(() => showToast("The voice cannot be heard right now."));
});
document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.matches(".upload")) document.getElementById("upload-problem").replaceChildren();
});
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.matches(".upload")) event.target.reset();
});
