// The server's own rendering of messages, put in the place of what the page made of them.

import { decorateCode } from "./copy.js";
import { holdFocus, mend } from "./hold.js";
import { elementOf, getText, swapIn } from "./http.js";

// Puts the server's rendering of a message in the place of ours; text that is equal stays, with what is selected in it,
// and so do buttons that are equal, with the focus or the press that is on them.
function settle(article, html) {
  if (!article.isConnected) return;
  const fresh = elementOf(html);
  const refocus = holdFocus(article);
  const [ours, theirs] = [article.querySelector(".prose"), fresh.querySelector(".prose")];
  if (ours && theirs && blocksOf(ours) === theirs.innerHTML.trim()) {
    for (const part of [".ending", ".message-foot"]) mend(article.querySelector(part), fresh.querySelector(part));
    for (const part of [".sources", ".thoughts:not(.calls)", ".calls"]) {
      const found = fresh.querySelector(part);
      if (found && !article.querySelector(part)) ours.before(found);
    }
    article.dataset.state = fresh.dataset.state;
  } else {
    article.replaceWith(fresh);
    article = fresh;
  }
  window.htmx.process(article);
  decorateCode(article);
  refocus(article);
}

function blocksOf(prose) {
  return [...prose.children].map((block) => block.innerHTML).join("").trim();
}

// One message anew: its versions, its figures, and the buttons that fit its end.
export async function refresh(conversation, article) {
  settle(article, await getText(`/c/${conversation}/m/${article.dataset.message}/`));
}

// The whole shown path anew.
export function reload(conversation) {
  return swapIn("GET", `/c/${conversation}/`, document.getElementById("messages"));
}
