// One answer while it is being written: keeps the HTML of its blocks and touches only those that changed.

const PHASES = {
  loading: "Loading the model…",
  reading: "Reading…",
  writing: "Writing…",
  searching: "Searching…",
};

export class LiveAnswer {
  seq = 0;
  asked = false; // whether a replay was asked for and has not begun
  #blocks = [];
  #nodes = [];
  #dirty = new Set();
  #began = false;
  #frame = 0;
  #thought = 0; // characters of its thoughts that are shown

  constructor(turn, article) {
    this.turn = turn;
    this.article = article;
    this.prose = article.querySelector(".prose");
    article.dataset.turn = turn;
    article.dataset.state = "running";
    article.setAttribute("aria-busy", "true");
    article.querySelector(".ending").replaceChildren();
  }

  phase(text) {
    const line = this.article.querySelector(".phase");
    line.hidden = text === "";
    line.querySelector(".phase-text").textContent = text;
  }

  status({ state, position, total }) {
    if (this.#began) return;
    if (state === "writing") this.article.dispatchEvent(new Event("nitro:read", { bubbles: true }));
    if (total) {
      this.phase(`Reading ${position} of ${total} pages…`);
      return;
    }
    const queued = position > 1 ? `Waiting in line, ${position - 1} before you` : "Waiting in line, next is you";
    this.phase(state === "queued" ? queued : (PHASES[state] ?? "Working…"));
  }

  // What the model thinks aloud; `at` counts whole characters, as the server does.
  think({ at, text }) {
    let thoughts = this.article.querySelector(".thoughts:not(.calls)");
    if (!thoughts) {
      thoughts = document.getElementById("thoughts-template").content.firstElementChild.cloneNode(true);
      this.prose.before(thoughts);
    }
    const line = thoughts.querySelector(".thoughts-text");
    if (at === 0) line.textContent = "";
    else if (at !== this.#thought) return;
    line.append(text);
    this.#thought = at + [...text].length;
    if (!this.#began) this.phase("Thinking…");
  }

  // False where frames are missing before this one.
  delta({ seq, html }) {
    if (seq <= this.seq) return true;
    if (seq > this.seq + 1) return false;
    this.seq = seq;
    this.asked = false;
    if (html) this.patch(html);
    return true;
  }

  // count: blocks there are now; each change: [index, UTF-16 units to keep of the old HTML, new tail]
  patch({ count, blocks }) {
    for (const [index, keep, tail] of blocks) {
      this.#blocks[index] = (this.#blocks[index] ?? "").slice(0, keep) + tail;
      this.#dirty.add(index);
    }
    this.#blocks.length = count;
    this.#frame ||= requestAnimationFrame(() => this.flush());
  }

  flush() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#dirty.size === 0 && this.#nodes.length === this.#blocks.length) return;
    this.#begin();
    while (this.#nodes.length > this.#blocks.length) this.#nodes.pop().remove();
    for (const index of [...this.#dirty].sort((a, b) => a - b)) {
      if (index < this.#blocks.length) this.#node(index).innerHTML = this.#blocks[index];
    }
    this.#dirty.clear();
  }

  // The text so far, which the server had put into the page, makes room for the same text in blocks.
  #begin() {
    if (this.#began) return;
    this.#began = true;
    this.prose.replaceChildren();
    this.phase("");
  }

  #node(index) {
    while (this.#nodes.length <= index) {
      const node = document.createElement("div");
      node.className = "block";
      this.prose.append(node);
      this.#nodes.push(node);
    }
    return this.#nodes[index];
  }

  end(state) {
    this.flush();
    this.phase("");
    this.article.dataset.state = state;
    this.article.removeAttribute("aria-busy");
  }
}
