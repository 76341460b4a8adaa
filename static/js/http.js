// Requests to our own server, signed with the page's CSRF token.

export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]').content;
}

async function checked(response) {
  if (response.ok) return response;
  let problem = { code: "http", message: `The server answered with ${response.status}.`, hint: "Try again." };
  try {
    problem = { ...problem, ...(await response.json()) };
  } catch {
    // not JSON: the sentence above has to do
  }
  throw Object.assign(new Error(problem.message), problem);
}

export async function postJson(url, data) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
  return (await checked(await fetch(url, { method: "POST", headers, body: JSON.stringify(data) }))).json();
}

export async function postForm(url, fields) {
  const headers = { "X-CSRFToken": csrfToken() };
  return checked(await fetch(url, { method: "POST", headers, body: new URLSearchParams(fields) }));
}

export async function getJson(url) {
  return (await checked(await fetch(url))).json();
}

export async function postFile(url, file) {
  const body = new FormData();
  body.append("file", file);
  return (await checked(await fetch(url, { method: "POST", headers: { "X-CSRFToken": csrfToken() }, body }))).json();
}

export async function deleteAt(url) {
  return checked(await fetch(url, { method: "DELETE", headers: { "X-CSRFToken": csrfToken() } }));
}

export async function getText(url) {
  return (await checked(await fetch(url, { headers: { "HX-Request": "true" } }))).text();
}

// Has htmx put what the server renders into `target`. Of requests from one source htmx sends one at a time, keeps the last
// one waiting and forgets those between: each place and each deed is a source of its own, so that none crowds out another.
export function swapIn(method, url, target, { source = target, swap = "innerHTML", values = {} } = {}) {
  return window.htmx.ajax(method, url, { source, target, swap, values });
}

// The first element of a fragment of HTML that our own server has rendered.
export function elementOf(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content.firstElementChild;
}
