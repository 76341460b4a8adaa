// What somebody says, from the microphone to the server. From the moment that it listens nothing is lost.

const TAIL = 200; // milliseconds: a button is let go with the last syllable, and sound takes its time to arrive

export class Recording {
  listens = false;
  #microphone;
  #socket;
  #events;
  #begun = null;
  #early = []; // what is said before the connection stands
  #asked = false; // whether the server knows of it
  #over = false;

  // events: listening(), level(from 0 to 1), problem({ message }); the last one comes after its end.
  constructor(microphone, socket, events) {
    this.#microphone = microphone;
    this.#socket = socket;
    this.#events = events;
  }

  // frame: what the server is asked, which answers with frames of its own.
  begin(frame) {
    this.#begun = this.#start(frame).catch((problem) => this.#fail(problem));
    return this.#begun;
  }

  // No more is said; the last words are wanted.
  async end() {
    if (!this.listens) return this.cancel();
    await new Promise((done) => setTimeout(done, TAIL));
    if (this.#over) return;
    this.#microphone.close();
    await this.#begun;
    if (!this.#over) this.#socket.send({ type: "end" }).catch(() => {});
    this.#over = true;
  }

  // Nobody wants its words.
  cancel() {
    if (this.#over) return;
    this.#over = true;
    this.#microphone.close();
    if (this.#asked) this.#socket.send({ type: "cancel" }).catch(() => {});
  }

  async #start(frame) {
    const connected = this.#socket.open(); // meanwhile
    connected.catch(() => {}); // told below
    const open = await this.#microphone.open((sound, level) => {
      this.#events.level(level);
      this.#take(sound);
    });
    if (!open || this.#over) return;
    this.listens = true;
    this.#events.listening();
    await connected;
    if (this.#over) return;
    this.#asked = true;
    await this.#socket.send(frame);
    for (const sound of this.#early.splice(0)) this.#socket.sound(sound);
    this.#early = null;
  }

  #take(sound) {
    if (this.#early) this.#early.push(sound);
    else if (!this.#socket.sound(sound)) this.#fail({ message: "The connection is too slow for your voice." });
  }

  #fail(problem) {
    if (this.#over) return;
    this.cancel();
    this.#events.problem(problem);
  }
}
