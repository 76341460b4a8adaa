// One picture over the whole window, with what made it; arrow keys leaf through the gallery.

import { swapIn } from "./http.js";

const viewer = document.getElementById("viewer");
const parts = Object.fromEntries(
  ["picture", "prompt", "facts", "reuse", "download", "keep"].map((name) => [name, document.getElementById(`viewer-${name}`)]),
);
const toasts = document.getElementById("toasts");
const home = toasts.parentElement;
let grid = null;
let shown = null;
let awaited = ""; // a picture that was brought back and does not hang yet

function tiles() {
  return [...grid.querySelectorAll("[data-tile]")];
}

function show(tile) {
  if (!tile) return;
  shown = tile;
  const { url, prompt, facts, reuse, width, height } = tile.dataset;
  Object.assign(parts.picture, { src: url, alt: prompt, width, height });
  parts.prompt.textContent = prompt;
  parts.facts.textContent = facts;
  parts.reuse.href = reuse;
  parts.download.href = `${url}?download`;
  parts.keep.setAttribute("aria-pressed", tile.dataset.kept === "1");
  parts.keep.title = tile.dataset.kept === "1" ? "Kept" : "Keep";
  const all = tiles();
  const place = placeOf(all);
  viewer.querySelector('[data-viewer="previous"]').disabled = place <= 0;
  viewer.querySelector('[data-viewer="next"]').disabled = place === all.length - 1;
  if (place >= all.length - 4) grid.querySelector(".grid-more")?.scrollIntoView({ block: "nearest" });
  if (viewer.open) return;
  viewer.append(toasts); // "Undo" must be within reach, and outside of an open dialog nothing is
  viewer.showModal();
}

// The gallery may have been hung anew beneath the picture that is shown.
function placeOf(all) {
  return all.findIndex((tile) => tile.dataset.url === shown.dataset.url);
}

function step(by) {
  const all = tiles();
  show(all[placeOf(all) + by]);
}

function close() {
  viewer.close();
}

function remove() {
  const all = tiles();
  const place = placeOf(all);
  const next = all[place + 1] ?? all[place - 1];
  swapIn("POST", shown.dataset.delete, toasts, { source: viewer }); // one after the other: hx-sync of the viewer
  all[place]?.closest(".tile").remove();
  if (next) show(next);
  else viewer.close();
}

async function keep() {
  const place = tiles().indexOf(shown);
  const values = { kept: shown.dataset.kept === "1" ? "0" : "1" };
  await swapIn("POST", shown.dataset.keep, shown.closest(".tile"), { swap: "outerHTML", values });
  if (viewer.open) show(tiles()[place]);
}

const DEEDS = { previous: () => step(-1), next: () => step(1), close, keep, delete: remove };
const KEYS = { ArrowLeft: "previous", ArrowRight: "next", Delete: "delete" };

export function startViewer(gallery) {
  grid = gallery;
  grid.addEventListener("click", (event) => {
    const tile = event.target.closest("[data-tile]");
    if (!tile || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    show(tile);
  });
  viewer.addEventListener("click", (event) => {
    const deed = event.target.closest("[data-viewer]")?.dataset.viewer;
    if (deed) DEEDS[deed]();
    else if (event.target === viewer || event.target.classList.contains("viewer-stage")) close();
  });
  // Of the whole page: a button that has the focus loses it when it is switched off at the end of the gallery.
  document.addEventListener("keydown", (event) => {
    const deed = viewer.open && KEYS[event.key];
    if (!deed) return;
    event.preventDefault();
    DEEDS[deed]();
  });
  grid.addEventListener("htmx:afterSettle", showAwaited);
  viewer.addEventListener("close", () => {
    awaited = "";
    home.append(toasts);
    const all = tiles();
    all[placeOf(all)]?.focus();
  });
}

// A picture that was brought back is shown again where pictures are being looked at, as soon as it hangs: the gallery may
// be hung without it before, by an answer that was under way.
export function showAgain(id) {
  awaited = viewer.open ? id : "";
  showAwaited();
}

function showAwaited() {
  const tile = awaited && document.querySelector(`#tile-${awaited} [data-tile]`);
  if (!tile) return;
  awaited = "";
  show(tile);
}
