// The microphone in the composer and "Read aloud" below answers. What they need is loaded when somebody uses them.

import { showToast } from "./toast.js";

const CLICK = 400; // milliseconds: pressed for longer, the button was held

export function startSpeech(chat) {
  const button = document.getElementById("speak");
  let loading = null;
  let pressed = 0;
  const load = () => (loading ??= import("./talk.js").then(({ Talk }) => new Talk(chat)));
  const talk = (act) =>
    load()
      .then(act)
      .catch(() => {
        loading = null;
        showToast("Nitro cannot be reached right now.");
      });

  // A hand that comes near is about to speak, and would not wait for a script.
  for (const near of ["pointerenter", "focus"]) button.addEventListener(near, () => load().catch(() => (loading = null)));

  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    pressed = event.timeStamp;
    talk((it) => it.hold());
  });
  button.addEventListener("pointerup", (event) => {
    if (event.timeStamp - pressed > CLICK) talk((it) => it.letGo());
  });
  // Of a keyboard or a screen reader: on, and off again.
  button.addEventListener("click", (event) => {
    if (event.detail === 0) talk((it) => it.hold());
  });
  document.getElementById("hands-free").addEventListener("click", () => talk((it) => it.handsFree()));
  document.getElementById("messages").addEventListener("click", (event) => {
    const wish = event.target.closest('[data-action="read-aloud"]');
    if (wish) talk((it) => it.readAloud(chat.id, wish.closest(".message").dataset.message));
  });
}
