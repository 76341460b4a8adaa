"""Whisper on this machine, through `nitro extras whisper`. Its model lies in NITRO_HOME/models."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from apps.core.confined import Failed, Warm
from apps.voice.audio import Heard, Pcm, Segment, Word
from apps.voice.errors import EngineError, EngineMissing
from apps.voice.providers.base import Transcriber
from apps.voice.settings import VoiceSettings

MEMORY_MB = 8_000  # addresses; a "base" model takes some 300 MB of memory
IDLE_SECONDS = 300.0
SECONDS = 120.0
DEFAULT = "base"


class Whisper(Transcriber):
    """faster-whisper, warm in a process of its own."""

    kind = "whisper"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.label = f"Whisper ({path.name}, on this machine)"
        self.warm = Warm(memory_mb=MEMORY_MB, idle_seconds=IDLE_SECONDS)

    def transcribe(self, sound: Pcm, *, language: str) -> Heard:
        call = "apps.voice.cells.whisper.hear"
        try:
            found, known = self.warm.run(call, str(self.path), sound.data, language.split("-")[0], seconds=SECONDS)
        except Failed as error:
            raise EngineError(f"Whisper could not listen ({error.reason or error.message}).") from error
        segments = tuple(Segment(start, end, text, tuple(Word(*w) for w in words)) for start, end, text, words in found)
        return Heard(segments, sound.seconds, known, self.kind)


def model_path(settings: VoiceSettings) -> Path:
    """The folder of the chosen model: `faster-whisper-base`, `whisper-base` or a name in full."""
    name = settings.stt_model or DEFAULT
    for candidate in (name, f"faster-whisper-{name}", f"whisper-{name}"):
        if "/" not in candidate and (settings.models / candidate / "model.bin").is_file():
            return settings.models / candidate
    raise EngineMissing(
        f"The Whisper model '{name}' is not on this machine.",
        hint=f"Put it into {settings.models / f'faster-whisper-{name}'}: docs/voice.md says how.",
    )


def transcriber(settings: VoiceSettings) -> Transcriber:
    if find_spec("faster_whisper") is None:
        raise EngineMissing(
            "Whisper is not installed.", hint="Install it with `nitro extras whisper`, then start Nitro again."
        )
    return Whisper(model_path(settings))
