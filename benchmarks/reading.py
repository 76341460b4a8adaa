"""What the frames of a turn say, read after the race: when the first word came, and whether any was lost or doubled."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from benchmarks.wire import Turn

TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Reading:
    """One turn. `first` and `last` are seconds from the question to the first and the last words."""

    first: float
    last: float
    deltas: int
    raw: int  # bytes of all frames before compression
    text: str
    shown: str  # the words of the HTML that the page would have
    finish_reason: str

    def is_whole(self, tokens: int) -> bool:
        """Whether every numbered token came once and in order, as text and as HTML."""
        wanted = [f"t{number:05d}" for number in range(1, tokens + 1)]
        return self.text.split() == wanted and self.shown.split() == wanted and self.finish_reason == "stop"


def read(turn: Turn) -> Reading:
    """Read all frames of a turn that has ended."""
    frames = [(when, orjson.loads(raw)) for when, raw in turn.frames]
    mine = next((frame["turn"] for _, frame in frames if frame["type"] == "accepted"), "")
    deltas = [(when, frame) for when, frame in frames if frame["type"] == "delta" and frame["turn"] == mine]
    done = _done(frames, mine)
    in_order = [frame["seq"] for _, frame in deltas] == list(range(1, len(deltas) + 1))
    return Reading(
        first=deltas[0][0] - turn.asked if deltas else float("inf"),
        last=deltas[-1][0] - turn.asked if deltas else float("inf"),
        deltas=len(deltas),
        raw=sum(len(raw) for _, raw in turn.frames),
        text="".join(frame["text"] for _, frame in deltas) if in_order else "",
        shown=_words([*(frame for _, frame in deltas), done]),
        finish_reason=done.get("finish_reason", "never came"),
    )


def _done(frames: Sequence[tuple[float, dict[str, Any]]], turn: str) -> dict[str, Any]:
    """The closing frame; an empty one where it never came."""
    return next((frame for _, frame in frames if frame["type"] == "done" and frame["turn"] == turn), {})


def _words(frames: Sequence[dict[str, Any]]) -> str:
    """Apply the patches as the page's script does, and take the tags away."""
    blocks: list[str] = []
    for patch in (frame["html"] for frame in frames if frame.get("html")):
        for block, keep, tail in patch["blocks"]:
            blocks.extend([""] * (block + 1 - len(blocks)))
            units = blocks[block].encode("utf-16-le")[: 2 * keep]
            blocks[block] = units.decode("utf-16-le") + tail
        del blocks[patch["count"] :]
    return html.unescape(TAG.sub(" ", "".join(blocks)))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
