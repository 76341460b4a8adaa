"""What happens while somebody is listened to: a closed union. Times are seconds from the beginning of the stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.voice.audio import Segment, Word


@dataclass(frozen=True, slots=True)
class Started:
    """Somebody has begun to speak."""

    at: float


@dataclass(frozen=True, slots=True)
class Partial:
    """The words so far; they may still change."""

    text: str


@dataclass(frozen=True, slots=True)
class Sound:
    """An utterance has ended, and its samples wait for an engine."""

    start: float
    end: float
    samples: bytes


@dataclass(frozen=True, slots=True)
class Final:
    """An utterance has ended, and these are its words; possibly none."""

    segment: Segment


Happening = Started | Partial | Sound | Final


def happenings(raw: Sequence[tuple[Any, ...]]) -> list[Happening]:
    """What the ear in its process has said, as values."""
    return [_happening(*item) for item in raw]


def _happening(kind: str, *rest: Any) -> Happening:
    if kind == "start":
        return Started(*rest)
    if kind == "partial":
        return Partial(*rest)
    start, end, words, samples = rest
    if samples:
        return Sound(start, end, samples)
    spoken = tuple(Word(*word) for word in words)
    return Final(Segment(start, end, " ".join(word.text for word in spoken), spoken))
