"""How figures read: with as many digits as they deserve, and gains as factors beside what is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DASH = "–"


def number(value: float) -> str:
    """Three digits that count: 12,345 · 123 · 12.3 · 1.23 · 0.012."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 or not size else f"{value:.3g}"


def amount(value: float, unit: str) -> str:
    """A figure with its unit."""
    return f"{number(value)} {unit}"


def spread(side: Mapping[str, Any]) -> str:
    """From the least to the greatest of all samples."""
    return f"{number(side['low'])} {DASH} {number(side['high'])}"


def times(factor: float) -> str:
    """A factor: "12 ×"."""
    return f"{number(factor)} ×"


def gained(entry: Mapping[str, Any]) -> str:
    """A gain with its own spread, in the guide's words: "3.10 × (68 % less), 2.90 – 3.30"."""
    gain = entry["gain"]
    known = f"{number(gain['low'])} {DASH} {number(gain['high'])}"
    if gain["low"] <= 1 <= gain["high"]:
        return f"{times(gain['median'])}, no difference seen ({known})"
    return f"{times(gain['median'])} ({share(gain['median'], entry['better'])}), {known}"


def share(factor: float, better: str) -> str:
    """A factor as a percentage of the baseline."""
    change = 1 - 1 / factor if better == "less" else factor - 1
    word = ("less" if better == "less" else "more") if change >= 0 else ("more" if better == "less" else "less")
    return f"{abs(change) * 100:.0f} % {word}"


def place(machine: Mapping[str, Any]) -> str:
    """A machine in a line."""
    cards = ", ".join(machine["gpus"]) or "no graphics card"
    cores = f"{machine['cores']} core" + ("" if machine["cores"] == 1 else "s")
    named = f"{machine['processor']}, {cores}, {machine['memory_in_words']} of memory, {cards}"
    return f"{named}, {machine['system']} {machine['release']}, Python {machine['python']}"
