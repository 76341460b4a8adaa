// The room of the pictures: the form, what is being drawn, the gallery.

import "./shell.js";
import { followJobs } from "./drawing.js";
import { startViewer } from "./viewer.js";

const form = document.getElementById("order");
const prompt = document.getElementById("prompt");
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

document.body.addEventListener("nitro:image-restored", () => {
  window.htmx.ajax("GET", `${location.pathname}${location.search}`, { target: "#grid", swap: "innerHTML" });
});

followJobs();
startViewer(grid);
