"""What comes back from a model: a closed union of plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["queued", "loading", "reading", "writing", "searching"]


@dataclass(slots=True)
class TextDelta:
    """The next piece of the answer: one token, or all that arrived in one network read. Never empty."""

    text: str


@dataclass(slots=True)
class ReasoningDelta:
    """The next piece of a model's visible thinking. Never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a function called; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The model has ended by itself: `stop`, or `length` at the token limit. Always the last event, exactly once."""

    reason: Literal["stop", "length"]


Event = TextDelta | ReasoningDelta | ToolCall | Usage | Finished


@dataclass(frozen=True, slots=True)
class Progress:
    """From the router: what is happening before the first word; `position` is the place in the queue, from 1."""

    state: State
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """From the router, before the first event of a provider: who answers, and for whom it stands in.

    `fallback_reason` is what an administrator said who lets that one rest; empty where it failed.
    """

    provider: str
    model: str
    fallback_from: str = ""
    fallback_reason: str = ""


RouterEvent = Event | Progress | Chosen
