// The room of the pictures: the form, what is being drawn, the gallery.

import "./shell.js";
import { followJobs } from "./drawing.js";
import { swapIn } from "./http.js";
import { showAgain, startViewer } from "./viewer.js";

const form = document.getElementById("order");
const prompt = document.getElementById("prompt");
const filters = document.querySelector(".filters");
const grid = document.getElementById("grid");

prompt.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

form.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target === form) document.getElementById("order-problem").replaceChildren();
});

grid.addEventListener("click", (event) => {
  const { idea } = event.target.dataset;
  if (!idea) return;
  prompt.value = idea;
  form.requestSubmit();
});

// The first picture takes the place of the invitation.
new MutationObserver(() => {
  if (grid.querySelector(".tile")) grid.querySelector(".grid-empty")?.remove();
}).observe(grid, { childList: true });

// Hung anew as it is filtered right now.
document.body.addEventListener("nitro:image-restored", ({ detail }) => {
  const wanted = new URLSearchParams(new FormData(filters));
  swapIn("GET", `${location.pathname}?${wanted}`, grid);
  showAgain(detail.id);
});

followJobs();
startViewer(grid);
