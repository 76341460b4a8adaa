// The microphone of this device, as frames of sound. It is open only while somebody wants to be heard.

const PROBLEMS = {
  NotAllowedError: "Nitro may not use the microphone. Allow it in the browser's settings of this page.",
  NotFoundError: "There is no microphone.",
  NotReadableError: "Another program has the microphone.",
};

export class Microphone {
  muted = false;
  #stream = null;
  #context = null;

  // take(sound as ArrayBuffer, level from 0 to 1) is called every 40 ms. Rejects with a sentence.
  async open(take) {
    if (!navigator.mediaDevices) throw new Error("The microphone needs https, or Nitro on this very machine.");
    const wishes = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio: wishes });
    } catch (problem) {
      throw new Error(PROBLEMS[problem.name] ?? "The microphone cannot be used.", { cause: problem });
    }
    this.#context = new AudioContext();
    await this.#context.audioWorklet.addModule(document.getElementById("speak").dataset.recorder);
    const recorder = new AudioWorkletNode(this.#context, "recorder", { numberOfOutputs: 0, channelCount: 1 });
    recorder.port.onmessage = ({ data }) => {
      if (!this.muted) take(data.sound, data.level);
    };
    this.#context.createMediaStreamSource(this.#stream).connect(recorder);
    await this.#context.resume();
  }

  // Whether it can tell what the loudspeaker says from what a person says.
  get hearsItself() {
    return this.#stream?.getAudioTracks()[0]?.getSettings().echoCancellation === false;
  }

  close() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#context?.close();
    this.#stream = this.#context = null;
  }
}
