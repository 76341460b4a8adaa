"""The report on a terminal: the baseline, the optimised side with its gain, what was left out, and comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.gains.wording import amount, gained, number, place, spread
from benchmarks.load import show

Entry = Mapping[str, Any]


def report(shown: Mapping[str, Any]) -> str:
    """All of a run; `shown` is its JSON."""
    done = [one for one in shown["scenarios"] if "skipped" not in one]
    left = [one for one in shown["scenarios"] if "skipped" in one]
    parts = [f"Measured on {place(shown['machine'])}, in {shown['seconds']:.0f} s."]
    if done:
        parts += [
            "Baseline: each optimisation off\n"
            + table(("operation", "off", "median", "p95", "spread"), map(before, done)),
            "Optimised: each one on\n"
            + table(("operation", "on", "median", "p95", "spread", "gain", "the guide says"), map(after, done)),
        ]
    if load := shown.get("load"):
        parts.append("\n".join([show.TITLE, table(show.HEAD, map(show.cells, load)), *show.notes(load)]))
    if left:
        parts.append("Not measured\n" + "\n".join(f"  {one['name']}: {one['skipped']}" for one in left))
    if shown.get("interrupted"):
        parts.append("Ctrl-C ended the run early; what had been measured until then is above.")
    return "\n\n".join(parts)


def before(entry: Entry) -> Sequence[str]:
    """A line of the first table."""
    side, unit = entry["baseline"], entry["unit"]
    return (entry["title"], side["label"], amount(side["median"], unit), number(side["p95"]), spread(side))


def after(entry: Entry) -> Sequence[str]:
    """A line of the second table."""
    side, unit = entry["optimised"], entry["unit"]
    figures = (amount(side["median"], unit), number(side["p95"]), spread(side))
    return (entry["title"], side["label"], *figures, gained(entry), entry["guide"] or "no figure")


def compared(changes: Iterable[Sequence[str]]) -> str:
    """The table of `--compare`."""
    return "Compared with the earlier run\n" + table(
        ("operation", "then", "now", "change", "gain then", "now"), changes
    )


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their longest cell."""
    rows = [tuple(head), *(tuple(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([texts[0], "  ".join("-" * width for width in widths), *texts[1:]])
