// Models that are being installed, in the list of models: every open tab sees the same progress. Loaded with the list.

import { deleteAt, getJson, postJson } from "./http.js";

const URL = "/api/models/pull/";
const UNDER_WAY = new Set(["queued", "running"]);
const LOOK = 1500;
const megabytes = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
let root;
let chat;
let done; // what to do when a model has come
let timer = 0;

const list = () => root.querySelector(".pulls-list");

function row(id) {
  const found = list().querySelector(`[data-id="${CSS.escape(id)}"]`);
  if (found) return found;
  const made = root.querySelector("template").content.firstElementChild.cloneNode(true);
  made.dataset.id = id;
  list().append(made);
  return made;
}

function said({ status, completed, total }) {
  if (!total) return status || "Waiting…";
  return `${megabytes.format(completed / 1e6)} of ${megabytes.format(total / 1e6)} MB`;
}

function show(pull) {
  const known = list().querySelector(`[data-id="${CSS.escape(pull.id)}"]`);
  if (!UNDER_WAY.has(pull.state)) {
    if (!known) return;
    known.remove();
    list().hidden = list().children.length === 0;
    if (pull.error) tell(`${pull.name}: ${pull.error.message} ${pull.error.hint}`);
    else done();
    return;
  }
  const line = row(pull.id);
  line.querySelector(".pull-name").textContent = pull.name.replace(/^https:.*\//, ""); // of an address, the file
  line.querySelector(".pull-state").textContent = said(pull);
  const bar = line.querySelector("progress");
  bar.setAttribute("aria-label", `Installing ${pull.name}`);
  if (pull.total) [bar.max, bar.value] = [pull.total, pull.completed];
  list().hidden = false;
}

function tell(text) {
  const problem = root.querySelector(".pulls-problem");
  if (!problem) return;
  problem.textContent = text;
  problem.hidden = !text;
}

async function look() {
  clearTimeout(timer);
  if (!root.isConnected || !root.checkVisibility()) return;
  const { results } = await getJson(URL);
  results.forEach(show);
  // A chat that has not begun has no socket that would bring news.
  if (!chat.id) timer = setTimeout(() => look().catch(() => {}), LOOK);
}

async function install(event) {
  event.preventDefault();
  const field = event.target.elements.name;
  tell("");
  try {
    show(await postJson(URL, { name: field.value.trim() }));
    field.value = "";
    await look();
  } catch (problem) {
    tell(`${problem.message} ${problem.hint ?? ""}`);
  }
}

export function startPulls(theRoot, theChat, theDone) {
  if (!chat) theChat.addEventListener("news", ({ detail }) => detail.kind === "pull" && root.isConnected && show(detail));
  [root, chat, done] = [theRoot, theChat, theDone];
  root.querySelector("form")?.addEventListener("submit", install);
  list().addEventListener("click", (event) => {
    const pull = event.target.closest("button")?.closest(".pull");
    if (pull) deleteAt(`${URL}${pull.dataset.id}/`).then(look, (problem) => tell(problem.message));
  });
  look().catch(() => {}); // without it the list of models is still complete
}
