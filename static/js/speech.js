// The microphone in the composer and "Read aloud" below answers. What they need is loaded when somebody uses them.

const CLICK = 400; // milliseconds: pressed for longer, the button was held

export function startSpeech(chat) {
  const button = document.getElementById("speak");
  let loading = null;
  let pressed = 0;
  const talk = (act) => (loading ??= import("./talk.js").then(({ Talk }) => new Talk(chat))).then(act);

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
