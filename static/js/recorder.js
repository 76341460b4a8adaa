// Runs in the audio thread: turns whatever the microphone gives into frames of 40 ms, 16 kHz, 16 bits, with their level.

const RATE = 16_000;
const FRAME = 640;

class Recorder extends AudioWorkletProcessor {
  #step = sampleRate / RATE;
  #sum = 0;
  #count = 0;
  #place = 0;
  #frame = new Int16Array(FRAME);
  #length = 0;
  #energy = 0;

  process([channels]) {
    const samples = channels[0];
    if (samples) for (const sample of samples) this.#take(sample);
    return true;
  }

  // Averages all samples that fall into one of ours.
  #take(sample) {
    this.#sum += sample;
    this.#count += 1;
    this.#place += 1;
    while (this.#place >= this.#step) {
      this.#place -= this.#step;
      this.#add(this.#count ? this.#sum / this.#count : sample);
      this.#sum = this.#count = 0;
    }
  }

  #add(value) {
    const limited = Math.max(-1, Math.min(1, value));
    this.#frame[this.#length++] = limited * 32_767;
    this.#energy += limited * limited;
    if (this.#length < FRAME) return;
    const level = Math.sqrt(this.#energy / FRAME);
    this.port.postMessage({ sound: this.#frame.buffer, level }, [this.#frame.buffer]);
    this.#frame = new Int16Array(FRAME);
    this.#length = this.#energy = 0;
  }
}

registerProcessor("recorder", Recorder);
