"""Piper on this machine, through `nitro extras piper`. Each voice is an .onnx file in NITRO_HOME/models."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from apps.core.confined import Failed, Warm
from apps.voice.audio import Pcm
from apps.voice.errors import EngineError, EngineMissing, NoSuchVoice
from apps.voice.providers.base import Speaker, Utterance, Voice
from apps.voice.providers.openai_compatible import OPENAI_VOICES
from apps.voice.settings import VoiceSettings

MEMORY_MB = 4_000  # addresses; a voice takes some 150 MB of memory
IDLE_SECONDS = 300.0
SECONDS = 60.0


class Piper(Speaker):
    """Natural voices, warm in a process of its own."""

    kind = "piper"
    label = "Piper (on this machine)"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warm = Warm(memory_mb=MEMORY_MB, idle_seconds=IDLE_SECONDS)

    def speak(self, utterance: Utterance) -> Pcm:
        call, path = "apps.voice.cells.piper.say", self._path(utterance)
        try:
            data, rate = self.warm.run(call, str(path), utterance.text, utterance.speed, seconds=SECONDS)
        except Failed as error:
            raise EngineError(f"Piper could not speak ({error.reason or error.message}).") from error
        return Pcm(data, rate)

    def voices(self) -> list[Voice]:
        """Their names begin with a language, such as `en_US-lessac-medium`."""
        names = sorted(path.stem for path in self.folder.glob("*.onnx"))
        return [Voice(name, name.replace("_", "-"), name.split("-")[0].replace("_", "-")) for name in names]

    def _path(self, utterance: Utterance) -> Path:
        """The voice that was asked for; for OpenAI's names and for none at all, the first one of the language."""
        voices = self.voices()
        names = [voice.name for voice in voices]
        if utterance.voice and utterance.voice not in OPENAI_VOICES:
            if utterance.voice not in names:
                raise NoSuchVoice(f"There is no voice {utterance.voice!r}.")
            return self.folder / f"{utterance.voice}.onnx"
        begin = utterance.language.split("-")[0].lower()
        fitting = [name for name in names if name.lower().startswith(begin)]
        if not names:
            raise EngineMissing("Piper has no voice.", hint=f"Put one into {self.folder}: docs/voice.md says how.")
        return self.folder / f"{(fitting or names)[0]}.onnx"


def speaker(settings: VoiceSettings) -> Speaker:
    if find_spec("piper") is None:
        raise EngineMissing(
            "Piper is not installed.", hint="Install it with `nitro extras piper`, then start Nitro again."
        )
    return Piper(settings.models)
