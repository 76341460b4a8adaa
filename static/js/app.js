// The chat page's script begins here.

import { startActions } from "./actions.js";
import { Chat } from "./chat.js";
import { startComposer } from "./composer.js";
import { startCopy } from "./copy.js";
import { csrfToken } from "./http.js";
import { Queue } from "./queue.js";
import { startScroll } from "./scroll.js";
import { startShortcuts } from "./shortcuts.js";
import { startSidebar } from "./sidebar.js";
import { startToasts } from "./toast.js";

document.body.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = csrfToken();
});

const chat = new Chat();
startScroll();
startCopy();
startActions(chat);
startComposer(chat, new Queue(chat));
startSidebar(chat);
startShortcuts(chat);
startToasts();
