// Plays sentences one after the other: sound from the server, or text in one of the browser's own voices.

export class Player {
  #context = null;
  #listener;
  #chain = Promise.resolve();
  #run = 0;
  #playing = null;

  // listener: { played(sentence), changed(speaking) }
  constructor(listener) {
    this.#listener = listener;
  }

  get speaking() {
    return this.#playing !== null;
  }

  // Call it while the person does something, or the browser may keep the loudspeaker silent.
  wake() {
    this.#context ??= new AudioContext();
    this.#context.resume();
  }

  add(sentence) {
    const run = this.#run;
    const ready = sentence.sound ? this.#context.decodeAudioData(sentence.sound) : null;
    ready?.catch(() => {});
    this.#chain = this.#chain.then(() => this.#play(sentence, ready, run)).catch(() => {});
  }

  // Says no more, at once.
  stop() {
    this.#run += 1;
    this.#playing?.();
    this.#set(null);
  }

  async #play(sentence, ready, run) {
    if (run !== this.#run) return;
    const sound = await ready?.catch(() => null);
    if (run !== this.#run) return;
    await new Promise((done) => (ready ? this.#sound(sound, done) : this.#voice(sentence, done)));
    if (run !== this.#run) return;
    this.#set(null);
    this.#listener.played(sentence);
  }

  #sound(sound, done) {
    if (!sound) return done();
    const source = new AudioBufferSourceNode(this.#context, { buffer: sound });
    source.onended = done;
    source.connect(this.#context.destination);
    source.start();
    return this.#set(() => source.stop());
  }

  #voice({ text, language, speed }, done) {
    const words = new SpeechSynthesisUtterance(text);
    if (language) words.lang = language;
    words.rate = speed ?? 1;
    words.onend = words.onerror = done;
    speechSynthesis.speak(words);
    this.#set(() => speechSynthesis.cancel());
  }

  #set(stop) {
    const before = this.speaking;
    this.#playing = stop;
    if (before !== this.speaking) this.#listener.changed(this.speaking);
  }
}
