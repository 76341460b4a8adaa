"""The two interfaces behind which every speech engine stands. Nothing here knows Django, Channels or a database.

Calls block: they are made from threads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from apps.voice.audio import Heard, Pcm


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice: the name to ask for, what people call it, and its language (BCP 47, empty where it has many)."""

    name: str
    label: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something to say. `voice` is empty for the engine's own choice for the language; `speed` 1 is usual."""

    text: str
    voice: str = ""
    speed: float = 1.0
    language: str = "en"


class Transcriber(ABC):
    """Speech to text. `is_in_ear`: the words are heard by `cells/ear.py` itself, while somebody speaks."""

    kind: str
    label: str
    is_in_ear = False

    @abstractmethod
    def transcribe(self, sound: Pcm, *, language: str) -> Heard:
        """What is said in at most a minute of sound, 16 kHz. Raises an `EngineError`. Takes seconds."""


class Speaker(ABC):
    """Text to speech."""

    kind: str
    label: str

    @abstractmethod
    def speak(self, utterance: Utterance) -> Pcm:
        """The sound of a sentence or a few. Raises an `EngineError`, and `NoSuchVoice`."""

    @abstractmethod
    def voices(self) -> list[Voice]:
        """The voices there are; raises an `EngineError`."""
