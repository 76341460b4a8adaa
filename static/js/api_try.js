// "Try it" on the page of the API: sends what the form says, as the person who is signed in, and shows what comes back.
import { csrfToken } from "./http.js";

const LONGEST = 100_000;

function addressOf(form, values) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const [name, value] of values) {
    if (name === "-body" || value === "") continue;
    if (path.includes(`{${name}}`)) path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (name.includes("-")) headers[name] = value;
    else query.set(name, value);
  }
  return { url: query.size ? `${path}?${query}` : path, headers };
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function read(response, show) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const piece = (await reader?.read()) ?? { done: true };
    if (piece.done) return text;
    text = (text + piece.value).slice(0, LONGEST);
    show(text);
  }
}

async function send(form) {
  const values = new FormData(form);
  const { url, headers } = addressOf(form, values);
  const body = values.get("-body") ?? undefined;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(url, { method: form.dataset.method, headers: { ...headers, "X-CSRFToken": csrfToken() }, body });
}

async function attempt(form) {
  const outcome = form.querySelector(".outcome");
  const [said, code] = [outcome.querySelector("p"), outcome.querySelector("code")];
  const began = performance.now();
  outcome.hidden = false;
  said.textContent = "Sending …";
  code.textContent = "";
  try {
    const response = await send(form);
    const kind = response.headers.get("Content-Type") ?? "";
    if (!/json|text/.test(kind) && response.status !== 204) {
      said.textContent = `${response.status} · a file (${kind})`;
      return;
    }
    const text = await read(response, (sofar) => (code.textContent = sofar));
    said.textContent = `${response.status} ${response.statusText} · ${Math.round(performance.now() - began)} ms`;
    code.textContent = pretty(text);
  } catch (error) {
    said.textContent = `The server could not be reached: ${error.message}`;
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest(".operation-body");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  await attempt(form);
  button.disabled = false;
});
