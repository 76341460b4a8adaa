// A chat that made room for another one: says so, and goes on with one click. Other rooms have sockets but no chat.

const notice = document.getElementById("paused");

export function offerToGoOn(goOn) {
  if (!notice) return;
  notice.querySelector("button").onclick = goOn;
  notice.hidden = false;
}

export function wentOn() {
  if (notice) notice.hidden = true;
}
