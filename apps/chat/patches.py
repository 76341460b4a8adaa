"""What has to travel so that a page with the HTML of yesterday's words shows today's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """Of the HTML of one block keep the first `keep` UTF-16 code units (JavaScript's length) and append `tail`."""

    block: int
    keep: int
    tail: str


@dataclass(frozen=True, slots=True)
class Patch:
    """What changes on the page: how many blocks there are now, and how those change that the page has otherwise."""

    count: int
    changes: tuple[Change, ...]

    def as_json(self) -> dict[str, object]:
        """The patch as it stands in a frame: `{"count": 3, "blocks": [[2, 120, " more</p>"]]}`."""
        return {"count": self.count, "blocks": [[c.block, c.keep, c.tail] for c in self.changes]}


def change(block: int, old: str, new: str) -> Change:
    """The change from the old HTML of a block to the new."""
    kept = _common(old, new)
    return Change(block, units(new[:kept]), new[kept:])


def units(text: str) -> int:
    """The length of the text as JavaScript counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _common(old: str, new: str) -> int:
    """The length of the common beginning, by halving: comparing slices is what the machine does fastest."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
