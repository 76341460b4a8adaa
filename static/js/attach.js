// Pictures beside a question: picked, pasted or dropped, sent at once, and named in the question.

import { addTool } from "./beside.js";
import { deleteAt, postFile } from "./http.js";
import { recall, remember } from "./outbox.js";
import { showToast } from "./toast.js";

const MOST = 8;
const button = document.getElementById("attach");
const picker = document.getElementById("attach-files");
const list = document.getElementById("attached");
const stage = document.getElementById("stage");
const area = document.getElementById("question");
let chat;

const chips = () => [...list.children];
const ids = () => chips().flatMap((chip) => chip.dataset.id ?? []);
const key = () => `nitro:pictures:${chat.id || "new"}`;

function changed() {
  list.hidden = list.children.length === 0;
  remember(key(), ids());
  chat.tell("changed");
}

function addChip(name) {
  const chip = document.getElementById("attached-template").content.firstElementChild.cloneNode(true);
  chip.querySelector("button").setAttribute("aria-label", `Remove ${name}`);
  list.append(chip);
  return chip;
}

function showPicture(chip, { id, name, thumbnail_url: url }) {
  chip.dataset.id = id;
  chip.removeAttribute("aria-busy");
  Object.assign(chip.querySelector("img"), { src: url, alt: name, hidden: false });
}

async function send(file) {
  const chip = addChip(file.name);
  chip.setAttribute("aria-busy", "true");
  changed();
  try {
    showPicture(chip, await postFile("/api/attachments/", file));
    if (!chip.isConnected) deleteAt(`/api/attachments/${chip.dataset.id}/`).catch(() => {}); // taken back meanwhile
  } catch (problem) {
    chip.remove();
    showToast(problem.message);
  }
  changed();
}

function sendAll(files) {
  const pictures = [...files].filter((file) => file.type.startsWith("image/"));
  const room = MOST - chips().length;
  if (pictures.length > room) showToast(`A question takes at most ${MOST} pictures.`);
  pictures.slice(0, room).forEach(send);
  return pictures.length > 0;
}

function removed(chip) {
  chip.remove();
  // Where this fails, the picture goes with all that nobody sends.
  if (chip.dataset.id) deleteAt(`/api/attachments/${chip.dataset.id}/`).catch(() => {});
  changed();
  area.focus();
}

function take() {
  const attachments = ids();
  list.replaceChildren();
  changed();
  return attachments.length ? { attachments } : {};
}

function listenForDrops() {
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  stage.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    stage.dataset.drop = "";
  });
  stage.addEventListener("dragleave", (event) => {
    if (!stage.contains(event.relatedTarget)) delete stage.dataset.drop;
  });
  stage.addEventListener("drop", (event) => {
    delete stage.dataset.drop;
    if (!holdsFiles(event)) return;
    event.preventDefault();
    if (!sendAll(event.dataTransfer.files)) showToast("Only pictures can be put beside a question.");
    area.focus();
  });
}

export function startAttach(theChat) {
  chat = theChat;
  addTool({ take, waits: () => chips().some((chip) => chip.hasAttribute("aria-busy")) });
  button.addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => {
    sendAll(picker.files);
    picker.value = "";
    area.focus();
  });
  area.addEventListener("paste", (event) => {
    if (sendAll(event.clipboardData.files)) event.preventDefault();
  });
  list.addEventListener("click", (event) => {
    const chip = event.target.closest("button")?.closest(".attached");
    if (chip) removed(chip);
  });
  chat.addEventListener("named", () => remember("nitro:pictures:new", []));
  listenForDrops();
  for (const id of recall(key(), [])) {
    showPicture(addChip("the picture"), { id, name: "Picture", thumbnail_url: `/api/attachments/${id}/thumbnail/` });
  }
  changed();
}
