// The chat page's script begins here.

import { startActions } from "./actions.js";
import { startAttach } from "./attach.js";
import { Chat } from "./chat.js";
import { startComposer } from "./composer.js";
import { startCopy } from "./copy.js";
import { startDrawing } from "./draw.js";
import { startEngine } from "./engine.js";
import { startGauge } from "./gauge.js";
import { startGlobe } from "./globe.js";
import { Queue } from "./queue.js";
import { startQuota } from "./quota.js";
import { startScroll } from "./scroll.js";
import "./shell.js";
import { startShortcuts } from "./shortcuts.js";
import { listChat } from "./sidebar.js";
import { startSpeech } from "./speech.js";

const chat = new Chat();
startScroll();
startCopy();
startActions(chat);
startAttach(chat);
startDrawing();
startEngine(chat);
startGauge(chat);
startQuota(chat);
startGlobe();
startComposer(chat, new Queue(chat));
listChat(chat);
startShortcuts(chat);
startSpeech(chat);
