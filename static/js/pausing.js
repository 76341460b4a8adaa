// A chat that made room for another one, or that an administrator closed: says so, and goes on with one click. Other
// rooms have sockets but no chat.

const notice = document.getElementById("paused");

export function tellWhy(message) {
  if (notice) notice.querySelector("span").textContent = message;
}

export function offerToGoOn(goOn) {
  if (!notice) return;
  notice.querySelector("button").onclick = goOn;
  notice.hidden = false;
}

export function wentOn() {
  if (notice) notice.hidden = true;
}
