// The list of chats, in every room: renaming in place, the drawer on small screens, and news about what is listed.

import { swapIn } from "./http.js";

const body = document.body;
const chats = document.getElementById("chats");
const opener = document.querySelector('[data-action="drawer-open"]');

function current() {
  return document.getElementById("stage").dataset.conversation ?? "";
}

function drawer(open) {
  body.classList.toggle("drawer", open);
  opener.setAttribute("aria-expanded", String(open));
  document.getElementById("stage").inert = open;
  if (open) document.querySelector(".drawer-close").focus();
  else opener.focus();
}

export function closeDrawer() {
  const open = body.classList.contains("drawer");
  if (open) drawer(false);
  return open;
}

function rename(button) {
  const item = button.closest(".chat-item");
  const link = item.querySelector(".chat-link");
  const form = document.getElementById("rename-template").content.firstElementChild.cloneNode(true);
  const input = form.querySelector("input");
  const kept = [...item.childNodes];
  const close = () => {
    item.replaceChildren(...kept);
    link.focus();
  };
  input.value = link.textContent.trim();
  item.replaceChildren(form);
  input.select();
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    input.onblur = null;
    close();
  });
  input.onblur = () => form.requestSubmit();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    input.onblur = null;
    const title = input.value.trim();
    if (!title || title === link.textContent.trim()) return close();
    const values = { title, current: current() };
    return swapIn("POST", button.dataset.url, item, { swap: "outerHTML", values });
  });
}

function reload() {
  if (document.getElementById("search").value) return; // what was found stays
  swapIn("GET", `/c/list/?current=${current()}`, document.getElementById("chats"));
}

export function startSidebar() {
  const actions = { "drawer-open": () => drawer(true), "drawer-close": closeDrawer, rename };
  body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (button) actions[button.dataset.action]?.(button);
  });
  body.addEventListener("nitro:restored", reload);
  body.addEventListener("nitro:listed", reload);
}

// The chat that is open: its name in the page's head, its place in the list.
export function listChat(chat) {
  body.addEventListener("nitro:renamed", (event) => {
    if (event.detail.id !== chat.id) return;
    document.title = `${event.detail.title} · Nitro`;
    document.getElementById("title").textContent = event.detail.title;
  });
  chat.addEventListener("accepted", (event) => {
    const item = document.getElementById(`chat-${chat.id}`);
    const first = item?.matches('[data-label="Pinned"] *') || item === chats.querySelector('.chat-group:not([data-label="Pinned"]) .chat-item');
    if (!item || !first || item.querySelector(".chat-link").textContent !== event.detail.title) reload();
  });
}
