// "Try it" on the page of the API: sends what the form says, as the person who is signed in, and shows what comes back.
import { csrfToken } from "./http.js";

const LONGEST = 100_000;
const PART = "part:"; // before the names of what goes into a form

function addressOf(form, values) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const [name, value] of values) {
    if (name === "-body" || name.startsWith(PART) || value === "") continue;
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

// What was filled in of a form; the browser itself names its kind and the border between its parts.
function partsOf(form, values) {
  if (!form.querySelector(`[name^="${PART}"]`)) return undefined;
  const parts = new FormData();
  for (const [name, value] of values) {
    const isThere = value instanceof File ? value.name !== "" : value !== "";
    if (name.startsWith(PART) && isThere) parts.set(name.slice(PART.length), value);
  }
  return parts;
}

async function send(form) {
  const values = new FormData(form);
  const { url, headers } = addressOf(form, values);
  const body = values.get("-body") ?? partsOf(form, values);
  if (typeof body === "string") headers["Content-Type"] = "application/json";
  return fetch(url, { method: form.dataset.method, headers: { ...headers, "X-CSRFToken": csrfToken() }, body });
}

// A picture or a sound that came back, to be looked at or listened to.
async function shown(response, kind) {
  const blob = await response.blob();
  if (kind.startsWith("audio/")) {
    return Object.assign(new Audio(URL.createObjectURL(blob)), { controls: true });
  }
  if (!kind.startsWith("image/")) return "";
  const reader = new FileReader();
  await new Promise((resolve) => {
    reader.onload = resolve;
    reader.readAsDataURL(blob);
  });
  return Object.assign(new Image(), { src: reader.result, alt: "The picture that came back" });
}

async function attempt(form) {
  const outcome = form.querySelector(".outcome");
  const [said, file, code] = ["p", ".outcome-file", "code"].map((name) => outcome.querySelector(name));
  const began = performance.now();
  outcome.hidden = false;
  said.textContent = "Sending …";
  code.textContent = "";
  file.replaceChildren();
  try {
    const response = await send(form);
    const kind = response.headers.get("Content-Type") ?? "";
    if (!/json|text/.test(kind) && response.status !== 204) {
      said.textContent = `${response.status} · a file (${kind})`;
      file.replaceChildren(await shown(response, kind));
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
