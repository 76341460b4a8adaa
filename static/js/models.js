// The list of models: opened from the page's head, searched and walked through by keyboard. Loaded when it is opened.

import { getText } from "./http.js";

const panel = document.getElementById("models");
let button;
let choose; // (choice) → promise
let chat;

const search = () => panel.querySelector(".models-search");
const shown = () => [...panel.querySelectorAll(".model:not([hidden])")];
const active = () => panel.querySelector(".model[data-active]");

export async function openModels(theChat, theButton, theChoose) {
  if (panel.matches(":popover-open")) {
    panel.hidePopover();
    return;
  }
  [chat, button, choose] = [theChat, theButton, theChoose];
  if (!panel.dataset.ready) {
    listen();
    await dress();
  }
  panel.replaceChildren(Object.assign(document.createElement("p"), { className: "models-wait", textContent: "Asking the model servers…" }));
  panel.showPopover();
  await load();
}

async function load() {
  try {
    panel.innerHTML = await getText(`/c/models/?chosen=${encodeURIComponent(button.dataset.choice)}`);
  } catch (problem) {
    panel.firstElementChild.textContent = problem.message;
    return;
  }
  (await import("./pulls.js")).startPulls(panel.querySelector(".pulls"), chat, load);
  search().focus();
  point(panel.querySelector('.model[aria-selected="true"]') ?? shown()[0]);
}

// The list's own stylesheet, which nobody needs before.
function dress() {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: panel.dataset.styles });
  document.head.append(link);
  return new Promise((resolve) => (link.onload = link.onerror = resolve));
}

function listen() {
  panel.dataset.ready = "";
  panel.addEventListener("toggle", (event) => {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "closed" && panel.contains(document.activeElement)) button.focus();
  });
  panel.addEventListener("input", (event) => event.target === search() && filter());
  panel.addEventListener("keydown", (event) => event.target === search() && pressed(event));
  panel.addEventListener("click", (event) => take(event.target.closest(".model")));
  panel.addEventListener("pointermove", (event) => point(event.target.closest(".model"), false));
}

function filter() {
  const words = search().value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const model of panel.querySelectorAll(".model")) {
    const text = model.dataset.words.toLowerCase();
    model.hidden = !words.every((word) => text.includes(word));
  }
  for (const server of panel.querySelectorAll(".models-server")) {
    server.hidden = !server.querySelector(".model:not([hidden])");
  }
  panel.querySelector(".models-none").hidden = shown().length > 0;
  point(shown()[0]);
}

// Marks the model that Enter takes.
function point(model, scroll = true) {
  if (model === null) return;
  active()?.removeAttribute("data-active");
  if (!model) {
    search().removeAttribute("aria-activedescendant");
    return;
  }
  model.dataset.active = "";
  search().setAttribute("aria-activedescendant", model.id);
  if (scroll) model.scrollIntoView({ block: "nearest" });
}

function pressed(event) {
  const models = shown();
  const place = models.indexOf(active());
  const steps = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: models.length - 1 };
  if (event.key === "Enter") {
    event.preventDefault();
    take(active());
  } else if (event.key in steps && !(search().value && ["Home", "End"].includes(event.key))) {
    event.preventDefault();
    point(models[(steps[event.key] + models.length) % models.length]);
  }
}

async function take(model) {
  if (!model) return;
  panel.hidePopover();
  button.focus();
  await choose(model.dataset.choice);
}
