// A chat that made room for another one: says so, and goes on with one click.

const notice = document.getElementById("paused");
const button = notice.querySelector("button");

export function offerToGoOn(goOn) {
  button.onclick = goOn;
  notice.hidden = false;
}

export function wentOn() {
  notice.hidden = true;
}
