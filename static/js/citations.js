// A mark in an answer opens the passage it rests on, in a dialog over the page.

import { elementOf, getText } from "./http.js";
import { showToast } from "./toast.js";

const PASSAGE = 'a[href^="/search/passages/"]';

function dialog() {
  let found = document.getElementById("passage");
  if (found) return found;
  found = elementOf(
    '<dialog class="sheet" id="passage" aria-labelledby="passage-title"><header class="sheet-head">' +
      '<h2 id="passage-title">What the page says</h2><button class="icon-button" type="button" aria-label="Close">' +
      '<svg class="icon" aria-hidden="true" focusable="false"><use href="#icon-close"/></svg></button></header>' +
      '<div class="passage-body"></div></dialog>',
  );
  document.body.append(found);
  found.querySelector("button").addEventListener("click", () => found.close());
  found.addEventListener("click", (event) => event.target === found && found.close());
  return found;
}

async function open(link) {
  const html = await getText(link.getAttribute("href"));
  const sheet = dialog();
  sheet.querySelector(".passage-body").innerHTML = html;
  if (!sheet.open) sheet.showModal();
  sheet.querySelector("mark")?.scrollIntoView({ block: "nearest" });
}

export function startCitations() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest(PASSAGE);
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open(link).catch((problem) => showToast(problem.message));
  });
}
