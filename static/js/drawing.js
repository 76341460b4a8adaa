// Cards of jobs that are being drawn, wherever they are shown: their progress comes by a socket, their end by htmx.

import { swapIn } from "./http.js";
import { tellWhy } from "./pausing.js";
import { Socket } from "./socket.js";

const WORDS = { queued: "Waiting for the worker", running: "Drawing" };

function cardOf(job) {
  return document.getElementById(`job-${job}`);
}

const asking = new Map(); // job → whether to look once more when its card has come

// One question about a card at a time: the answer takes the place of the element that a second one would be for.
async function refresh(card) {
  const { job, url } = card.dataset;
  if (asking.has(job)) {
    asking.set(job, true);
    return;
  }
  asking.set(job, false);
  try {
    await swapIn("GET", url, card, { swap: "outerHTML" });
  } finally {
    const again = asking.get(job);
    asking.delete(job);
    const fresh = cardOf(job);
    if (again && fresh && isOpen(fresh)) refresh(fresh);
  }
}

function isOpen(card) {
  return card.dataset.state === "queued" || card.dataset.state === "running";
}

function refreshAll() {
  for (const card of document.querySelectorAll("[data-job]")) if (isOpen(card)) refresh(card);
}

function show(card, { progress, preview, note }) {
  const percent = Math.round(progress * 100);
  const bar = card.querySelector(".job-progress");
  const line = card.querySelector(".job-state");
  if (bar) bar.value = Math.max(bar.value, percent);
  if (line) line.textContent = note || `${WORDS.running}${many(line)}, ${bar?.value ?? percent} %`;
  if (preview) showPreview(card.querySelector(".job-preview"), preview);
}

function many(line) {
  return line.dataset.count > 1 ? ` ${line.dataset.count} pictures` : "";
}

// The next preview takes the place of the last one only when it is loaded, so that nothing flickers.
function showPreview(picture, number) {
  if (!picture || picture.dataset.shown === String(number)) return;
  picture.dataset.shown = number;
  const next = new Image();
  next.onload = () => {
    picture.src = next.src;
    picture.hidden = false;
  };
  next.src = `${picture.dataset.preview}?n=${number}`;
}

function hear(frame) {
  if (frame.code === "paused") tellWhy(frame.message);
  const card = frame.type === "job" && cardOf(frame.job);
  if (!card) return;
  if (frame.state === "running" && isOpen(card)) {
    card.dataset.state = "running";
    show(card, frame);
  } else if (frame.state !== card.dataset.state) {
    refresh(card);
  }
}

let socket = null;

export function followJobs() {
  socket ??= new Socket("/ws/images/", {
    opened: refreshAll,
    frame: hear,
    away: () => {},
    refused: () => location.reload(),
  });
}
