// The microphone of this device, as frames of sound. It is open only while somebody wants to be heard.

const PROBLEMS = {
  NotAllowedError: "Nitro may not use the microphone. Allow it in the browser's settings of this page.",
  NotFoundError: "There is no microphone.",
  NotReadableError: "Another program has the microphone.",
};
const WISHES = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const MUTE = 5_000; // milliseconds: a microphone that has given nothing for so long gives nothing

export class Microphone {
  muted = false;
  #context = null;
  #worklet = null;
  #stream = null;
  #source = null;
  #opening = null; // what the present opening is known by; closing takes it away
  #settle = null;

  // Loads what turns sound into frames, and opens nothing.
  prepare() {
    this.#context ??= new AudioContext();
    this.#worklet ??= this.#context.audioWorklet
      .addModule(document.getElementById("speak").dataset.recorder)
      .catch((problem) => {
        this.#worklet = null;
        throw new Error("Nitro cannot be reached right now.", { cause: problem });
      });
    return this.#worklet;
  }

  // take(sound as ArrayBuffer, level from 0 to 1) is called every 40 ms. Resolves with the first sound: with true, or
  // with false where it was closed meanwhile. Rejects with a sentence.
  async open(take) {
    if (!navigator.mediaDevices) throw new Error("The microphone needs https, or Nitro on this very machine.");
    const opening = (this.#opening = {});
    await this.prepare(); // before the microphone opens: what is said while this loads would be lost
    if (opening !== this.#opening) return false;
    const stream = await this.#permitted();
    if (opening === this.#opening) return this.#hear(stream, take);
    stop(stream);
    return false;
  }

  async #permitted() {
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: WISHES });
    } catch (problem) {
      throw new Error(PROBLEMS[problem.name] ?? "The microphone cannot be used.", { cause: problem });
    }
  }

  #hear(stream, take) {
    this.#stream = stream;
    const recorder = new AudioWorkletNode(this.#context, "recorder", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    this.#source = this.#context.createMediaStreamSource(stream);
    this.#source.connect(recorder);
    this.#context.resume();
    return new Promise((resolve, reject) => {
      const silence = setTimeout(() => reject(new Error("The microphone gives no sound.")), MUTE);
      this.#settle = (open) => {
        clearTimeout(silence);
        resolve(open);
      };
      recorder.port.onmessage = ({ data }) => {
        this.#settle?.(true);
        if (this.#stream === stream && !this.muted) take(data.sound, data.level);
      };
    });
  }

  // Whether it can tell what the loudspeaker says from what a person says.
  get hearsItself() {
    return this.#stream?.getAudioTracks()[0]?.getSettings().echoCancellation === false;
  }

  close() {
    this.#settle?.(false);
    this.#source?.disconnect();
    stop(this.#stream);
    this.#context?.suspend();
    this.#stream = this.#source = this.#opening = this.#settle = null;
  }
}

function stop(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
