// Reads answers to a screen reader: whole sentences, politely, and no code.

const announcer = document.getElementById("announcer");
const KEPT = 4;
let buffer = "";
let inCode = false;

function speak(text) {
  const plain = text.replace(/\[\d+\]\(\/search\/passages\/[^)]*\)/g, "").replace(/[*_`#>|~]+/g, "").trim();
  if (!plain) return;
  const line = document.createElement("p");
  line.textContent = plain;
  announcer.append(line);
  while (announcer.children.length > KEPT) announcer.firstElementChild.remove();
}

function speakLine(line) {
  if (line.trimStart().startsWith("```")) {
    inCode = !inCode;
    if (inCode) speak("Code.");
  } else if (!inCode) {
    speak(line);
  }
}

export function say(text) {
  buffer += text;
  for (;;) {
    const end = inCode ? /\n/.exec(buffer) : /\n|[.!?…]["')\]]*\s/.exec(buffer);
    if (!end) return;
    const cut = end.index + end[0].length;
    speakLine(buffer.slice(0, cut));
    buffer = buffer.slice(cut);
  }
}

export function sayEnd(problem = "") {
  if (!inCode) speak(buffer);
  buffer = "";
  inCode = false;
  speak(problem || "Answer complete.");
}
