"""What one person heard of one turn: when the words came, and whether any was lost or doubled."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import orjson

Frames = Sequence[tuple[float, bytes]]
DELTA = b'"type":"delta"'
NUMBER = re.compile(r"t([0-9]{5,})")


@dataclass(frozen=True, slots=True)
class Heard:
    """One turn. `first` and `gaps` are seconds; `error` says in a word or two what went wrong, empty if nothing."""

    first: float
    gaps: tuple[float, ...] = ()
    tokens: int = 0
    lost: int = 0
    doubled: int = 0
    error: str = ""
    act: str = "read"


def parsed(frames: Frames) -> list[tuple[float, dict[str, Any]]]:
    """The frames of a socket with the times of their arrival."""
    return [(when, orjson.loads(raw)) for when, raw in frames]


def accepted(frames: Frames) -> str:
    """The id of the turn that was accepted, empty while it was not."""
    for _, raw in frames:
        if b'"accepted"' in raw[:40]:
            return str(orjson.loads(raw)["turn"])
    return ""


def has_words(frames: Frames) -> bool:
    """Whether a first word has come."""
    return any(DELTA in raw[:20] for _, raw in frames)


def last_seq(frames: Frames, turn: str) -> int:
    """The number of the last delta that came."""
    return max((frame["seq"] for _, frame in _deltas(parsed(frames), turn)), default=0)


def heard(asked: float, frames: Frames, turn: str, wanted: int | None, act: str = "read") -> Heard:
    """Read all frames of a turn, over however many sockets they came; `wanted` tokens are due, None for any number.

    Where the model's tokens have no numbers, the deltas' own are counted: one that comes twice is doubled, one that is
    missing is lost.
    """
    all_frames = parsed(frames)
    deltas = _deltas(all_frames, turn)
    error = next((str(frame["code"]) for _, frame in all_frames if frame["type"] == "error"), "")
    done = next((frame for _, frame in all_frames if frame["type"] == "done" and frame["turn"] == turn), None)
    if done is None:
        return Heard(float("inf"), error=error or "no end", act=act)
    times = [when for when, _ in deltas]
    lost, doubled = _sequence([frame["seq"] for _, frame in deltas])
    numbers = [int(number) for number in NUMBER.findall("".join(frame["text"] for _, frame in deltas))]
    if wanted is not None:
        due = max(numbers, default=0) if done["finish_reason"] == "stopped" else wanted
        lost, doubled = len(set(range(1, due + 1)) - set(numbers)), len(numbers) - len(set(numbers))
    return Heard(
        first=times[0] - asked if times else float("inf"),
        gaps=tuple(later - earlier for earlier, later in pairwise(times)),
        tokens=int(done["usage"]["completion_tokens"]),
        lost=lost,
        doubled=doubled,
        error=error or _wrong_end(done["finish_reason"], act, empty=not times),
        act=act,
    )


def together(views: Sequence[Heard]) -> Heard:
    """What a person heard in several tabs: the first one's times, and everybody's faults."""
    error = next((view.error for view in views if view.error), "")
    lost, doubled = sum(view.lost for view in views), sum(view.doubled for view in views)
    return replace(views[0], lost=lost, doubled=doubled, error=error)


def _deltas(frames: Iterable[tuple[float, dict[str, Any]]], turn: str) -> list[tuple[float, dict[str, Any]]]:
    return [(when, frame) for when, frame in frames if frame["type"] == "delta" and frame["turn"] == turn]


def _sequence(seqs: Sequence[int]) -> tuple[int, int]:
    """How many numbers are missing, and how many came once too often."""
    return len(set(range(1, max(seqs, default=0) + 1)) - set(seqs)), len(seqs) - len(set(seqs))


def _wrong_end(reason: str, act: str, *, empty: bool) -> str:
    """A stopped turn may have ended by itself just before; every other one must have."""
    if reason in ({"stop", "length", "stopped"} if act == "stop" else {"stop", "length"}):
        return "no words" if empty and act != "stop" else ""
    return str(reason)
