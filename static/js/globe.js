// The globe beside the question: pressed, questions are searched for first. And what was read, above the answer.

import { addTool } from "./beside.js";
import { startCitations } from "./citations.js";
import { elementOf, getText } from "./http.js";

const button = document.getElementById("globe");

// Shows what was read for an answer as soon as it is known, before the first word.
async function showSources(article) {
  if (article.querySelector(".sources")) return;
  const strip = elementOf(await getText(`/search/of/${article.dataset.message}/`));
  if (article.isConnected && !article.querySelector(".sources")) article.querySelector(".prose").before(strip);
}

export function startGlobe() {
  startCitations();
  button.addEventListener("click", () => {
    const pressed = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", pressed);
  });
  addTool({ take: () => (button.getAttribute("aria-pressed") === "true" ? { search: true } : {}) });
  // If this fails, the end of the answer brings them.
  document.addEventListener("nitro:read", (event) => showSources(event.target).catch(() => {}));
}
