// Requests the server has not accepted yet. They survive a reload and are sent again, with the same id, until it has.

export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Pages over plain http from another machine have no randomUUID.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [8, 12, 16, 20, 32].map((end, i, ends) => hex.slice(i ? ends[i - 1] : 0, end)).join("-");
}

export function recall(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(key, value) {
  try {
    const empty = value === null || value.length === 0;
    if (empty) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage costs the memory of this tab's reload and nothing else.
  }
}

export class Outbox {
  #key;
  #frames;

  constructor(conversation) {
    this.#key = `nitro:outbox:${conversation}`;
    this.#frames = recall(this.#key, []);
  }

  get frames() {
    return [...this.#frames];
  }

  get isEmpty() {
    return this.#frames.length === 0;
  }

  add(frame) {
    this.#frames.push(frame);
    remember(this.#key, this.#frames);
  }

  remove(id) {
    const found = this.#frames.find((frame) => frame.id === id);
    this.#frames = this.#frames.filter((frame) => frame !== found);
    remember(this.#key, this.#frames);
    return found;
  }
}
