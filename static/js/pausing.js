// What made room for another one, or was closed by an administrator: the page says so, and all of it goes on with one
// click. A chat may have two such sockets, its own and that of its pictures.

const notice = document.getElementById("paused");
const waiting = new Set();

export function tellWhy(message) {
  if (notice) notice.querySelector("span").textContent = message;
}

export function offerToGoOn(goOn) {
  if (!notice) return;
  waiting.add(goOn);
  notice.querySelector("button").onclick = wentOn;
  notice.hidden = false;
}

// One of them goes on, and the others with it.
export function wentOn() {
  const others = [...waiting];
  waiting.clear();
  if (notice) notice.hidden = true;
  for (const goOn of others) goOn();
}
