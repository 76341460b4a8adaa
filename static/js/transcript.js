// A transcript and its sound: press a time to hear it, and see which line is being said.

import "./shell.js";

const sound = document.getElementById("sound");
const times = [...document.querySelectorAll(".line-time")];

for (const time of times) {
  time.addEventListener("click", () => {
    sound.currentTime = Number(time.dataset.start);
    sound.play();
  });
}

// The card looks after its recording by itself; when that is written down to its end, so is this page.
document.querySelector(".recording-list").addEventListener("htmx:afterSettle", ({ currentTarget }) => {
  if (!currentTarget.querySelector("[hx-get]") && sound.paused) location.reload();
});

sound.addEventListener("timeupdate", () => {
  const now = times.filter((time) => Number(time.dataset.start) <= sound.currentTime + 0.05).at(-1);
  for (const time of times) time.closest(".line").toggleAttribute("data-now", time === now);
});
