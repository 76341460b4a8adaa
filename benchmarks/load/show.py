"""What many people heard, as the cells of a table and the sentences below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

TITLE = "Simulated people, who read, think, stop, reload and open second tabs"
HEAD = (
    "people", "model", "turns", "failed", "lost", "doubled", "first word p50 / p95", "gap p50 / p95", "memory", "cores"
)  # fmt: skip


def cells(entry: Mapping[str, Any]) -> Sequence[str]:
    """The line of a step, below `HEAD`."""
    return (
        f"{entry['people']:,}",
        str(entry["model"]),
        f"{entry['turns']:,}",
        str(entry["errors"]),
        str(entry["lost"]),
        str(entry["doubled"]),
        milliseconds(entry["first_ms"]),
        milliseconds(entry["gap_ms"]),
        f"{entry['memory_mb']:.0f} MB",
        f"{entry['cores']:.2f}",
    )


def milliseconds(spread: Mapping[str, float]) -> str:
    """The middle and the 95th percentile."""
    return f"{spread['p50']:.0f} / {spread['p95']:.0f} ms" if spread else "–"


def notes(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """What must be said beside the table: bounds that were passed, faults, the guide, and what each process took."""
    said = []
    for entry in entries:
        who = f"{entry['people']:,} people"
        kinds = ", ".join(f"{count} × {kind}" for kind, count in entry["error_kinds"].items())
        parts = ", ".join(f"{row['name']} {row['pss_mb']:.0f} MB and {row['cores']:.2f}" for row in entry["processes"])
        said += [f"{who}: {entry['stopped']}"] if entry["stopped"] else []
        said += [f"{who}: failed were {kinds}."] if kinds else []
        said += [f"{who}: {kept(entry)}"] if entry["guide"] else []
        said += [f"{who}: memory (PSS) and cores: {parts}."]
    return said


def kept(entry: Mapping[str, Any]) -> str:
    """Whether the guide's bounds for such a machine were kept."""
    broken = [name for name, met in entry["within"].items() if not met]
    words = {"first": "the first word was later", "memory": "more memory was used"}
    told = "kept" if not broken else f"not kept: {' and '.join(words[name] for name in broken)}"
    return f"the guide says {entry['guide']}; {told}."
