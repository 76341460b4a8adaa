"""What the voice page shows: recordings as cards, voices to choose from, and what listens and speaks here."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.errors import NitroError
from apps.voice import registry
from apps.voice.audio import Heard
from apps.voice.models import Recording

Choice = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Card:
    """One recording in the list."""

    recording: Recording
    percent: int
    length: str


def card(recording: Recording) -> Card:
    return Card(recording, round(recording.progress * 100), clock(recording.seconds))


def clock(seconds: float | None) -> str:
    """Minutes and seconds, hours where there are some; empty where nobody knows."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


@dataclass(frozen=True, slots=True)
class Line:
    """One segment of a transcript."""

    at: str
    start: float
    text: str


def lines(heard: Heard) -> list[Line]:
    return [Line(clock(part.start), round(part.start, 2), part.text) for part in heard.segments]


def engine_line() -> str:
    """Who listens and who speaks, in one sentence; of an engine that cannot be used, why."""
    try:
        return f"{registry.transcriber().label} listens. {registry.speaker().label} speaks."
    except NitroError as error:
        return f"{error.message} {error.hint}"


def voice_choices(current: str) -> list[Choice]:
    """The voices of the engine, the one chosen before among them even where it is gone."""
    try:
        found = [(voice.name, f"{voice.label} ({voice.name})") for voice in registry.speaker().voices()]
    except NitroError:
        found = []
    if current and current not in dict(found):
        found.append((current, current))
    return [("", "The usual one"), *found]
