// The socket of speech: sound goes up and words come down; texts go up and sound comes down.

const TOO_SLOW = 512 * 1024;
const PAUSED = 4408;

// Events: one for each frame, named by its type, with the frame as detail; "sentence" has the sound in it; "away", and
// "paused" where an administrator closed it: then it opens only when somebody wants to speak or to listen again.
export class VoiceSocket extends EventTarget {
  #socket = null;
  #opening = null;
  #sentence = null;
  #paused = false;

  // Resolves when it is open; at once where it is already.
  open() {
    this.#paused = false;
    this.#opening ??= new Promise((resolve, reject) => {
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      this.#socket = new WebSocket(`${scheme}//${location.host}/ws/voice/`);
      this.#socket.binaryType = "arraybuffer";
      this.#socket.onopen = resolve;
      this.#socket.onmessage = ({ data }) => this.#hear(data);
      this.#socket.onclose = ({ code }) => {
        this.#paused = code === PAUSED;
        this.#opening = this.#socket = null;
        reject(new Error("Nitro cannot be reached right now."));
        this.dispatchEvent(new Event(this.#paused ? "paused" : "away"));
      };
    });
    return this.#opening;
  }

  async send(frame) {
    if (this.#paused) return;
    await this.open();
    this.#socket?.send(JSON.stringify(frame));
  }

  // False where the connection is too slow for it.
  sound(samples) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return true;
    if (this.#socket.bufferedAmount > TOO_SLOW) return false;
    this.#socket.send(samples);
    return true;
  }

  #hear(data) {
    if (typeof data !== "string") {
      this.#tell({ ...this.#sentence, sound: data });
      return;
    }
    const frame = JSON.parse(data);
    if (frame.type === "sentence" && frame.bytes) this.#sentence = frame;
    else this.#tell(frame);
  }

  #tell(frame) {
    this.dispatchEvent(new CustomEvent(frame.type, { detail: frame }));
  }
}
