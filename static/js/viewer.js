// One picture over the whole window, with what made it; arrow keys leaf through the gallery.

const viewer = document.getElementById("viewer");
const parts = Object.fromEntries(
  ["picture", "prompt", "facts", "reuse", "download"].map((name) => [name, document.getElementById(`viewer-${name}`)]),
);
let grid = null;
let shown = null;

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
  const all = tiles();
  const place = all.indexOf(tile);
  viewer.querySelector('[data-viewer="previous"]').disabled = place <= 0;
  viewer.querySelector('[data-viewer="next"]').disabled = place === all.length - 1;
  if (place >= all.length - 4) grid.querySelector(".grid-more")?.scrollIntoView({ block: "nearest" });
  if (!viewer.open) viewer.showModal();
}

function step(by) {
  const all = tiles();
  show(all[all.indexOf(shown) + by]);
}

function close() {
  viewer.close();
  shown?.focus();
}

function remove() {
  const all = tiles();
  const place = all.indexOf(shown);
  const next = all[place + 1] ?? all[place - 1];
  window.htmx.ajax("POST", shown.dataset.delete, { target: "#toasts", swap: "innerHTML" });
  shown.closest(".tile").remove();
  if (next) show(next);
  else viewer.close();
}

const DEEDS = { previous: () => step(-1), next: () => step(1), close, delete: remove };
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
  viewer.addEventListener("keydown", (event) => {
    const deed = KEYS[event.key];
    if (!deed) return;
    event.preventDefault();
    DEEDS[deed]();
  });
  viewer.addEventListener("close", () => shown?.focus());
}
