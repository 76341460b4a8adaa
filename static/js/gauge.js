// How full the model's window is: a ring beside the question, and a warning before anything is left out.

const gauge = document.getElementById("gauge");
const fill = gauge.querySelector(".gauge-fill");
const warning = document.getElementById("context-warning");
const area = document.getElementById("question");
const encoder = new TextEncoder();
const BYTES_PER_TOKEN = 3; // as the server reckons
const PER_MESSAGE = 8;
const ANSWER_SHARE = 0.5;
const ROUNDED = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });

const state = {
  tokens: Number(gauge.dataset.tokens),
  window: Number(gauge.dataset.window),
  maxTokens: Number(gauge.dataset.maxTokens),
};

function estimated(text) {
  return text.trim() ? Math.floor(encoder.encode(text).length / BYTES_PER_TOKEN) + PER_MESSAGE : 0;
}

function update() {
  const { tokens, window, maxTokens } = state;
  const asked = estimated(area.value);
  const room = window - Math.min(maxTokens, Math.floor(window * ANSWER_SHARE));
  const share = window ? Math.min(100, Math.round(((tokens + asked) / room) * 100)) : 0;
  gauge.hidden = !window || !(tokens + asked) || share < 5;
  fill.setAttribute("stroke-dasharray", `${share} 100`);
  gauge.dataset.level = share >= 100 ? "over" : share >= 80 ? "high" : "low";
  gauge.title = `About ${ROUNDED.format(tokens + asked)} of ${ROUNDED.format(room)} tokens that the model can read at once`;
  gauge.setAttribute("aria-valuenow", share);
  gauge.setAttribute("aria-label", gauge.title);
  warn(asked > room, tokens > 0 && tokens + asked > room);
}

function warn(tooLong, trimmed) {
  const text = tooLong
    ? "This question is longer than the model can read at once. Shorten it, or choose another model."
    : trimmed
      ? "This chat is longer than the model can read at once: its oldest messages will be left out."
      : "";
  if (warning.textContent !== text) warning.textContent = text;
  warning.hidden = !text;
}

export function startGauge(chat) {
  const take = (changes) => {
    Object.assign(state, changes);
    update();
  };
  area.addEventListener("input", update);
  chat.addEventListener("context", (event) => take(event.detail));
  chat.addEventListener("engine", (event) => take({ window: event.detail.window }));
  chat.addEventListener("configured", (event) => take({ maxTokens: event.detail.max_tokens }));
  chat.addEventListener("accepted", () => update());
  update();
}
