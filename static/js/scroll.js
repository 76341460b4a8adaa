// Stays at the newest words, lets go when the reader scrolls up, and offers a way back.

const NEAR = 64;
const jump = document.getElementById("jump");
const root = document.documentElement;
let following = true;
let last = window.scrollY;

function distance() {
  return root.scrollHeight - window.innerHeight - window.scrollY;
}

function toEnd() {
  window.scrollTo({ top: root.scrollHeight, behavior: "instant" });
}

function update() {
  const up = window.scrollY < last - 1;
  last = window.scrollY;
  if (distance() < NEAR) following = true;
  else if (up) following = false;
  jump.hidden = following || distance() < NEAR * 3;
}

export function follow() {
  following = true;
  toEnd();
}

export function startScroll() {
  following = !location.hash && !new URLSearchParams(location.search).has("before");
  const grown = new ResizeObserver(() => {
    if (following) toEnd();
    else update();
  });
  grown.observe(document.getElementById("messages"));
  grown.observe(document.getElementById("dock"));
  window.addEventListener("scroll", update, { passive: true });
  window.addEventListener("resize", () => following && toEnd());
  window.addEventListener("wheel", (event) => event.deltaY < 0 && distance() > 0 && (following = false), { passive: true });
  jump.addEventListener("click", follow);
  keepPlace();
}

// Earlier messages come in above: what one reads stays where it is.
function keepPlace() {
  let fromEnd = 0;
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    fromEnd = event.detail.target.matches(".earlier") ? root.scrollHeight - window.scrollY : 0;
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    if (fromEnd) window.scrollTo({ top: root.scrollHeight - fromEnd, behavior: "instant" });
    fromEnd = 0;
  });
}
