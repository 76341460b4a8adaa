// How much of today's allowance is used, once that is worth knowing.

export function startQuota(chat) {
  const line = document.getElementById("quota");
  chat.addEventListener("accepted", ({ detail }) => {
    line.textContent = detail.notice ?? "";
    line.hidden = line.textContent === "";
  });
}
