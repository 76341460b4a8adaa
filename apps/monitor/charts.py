"""Charts as SVG paths, drawn on the server. Pure: values in, values out.

A chart is 300 by 90 units, about a pixel each. Time runs to the right; nothing is drawn where nothing was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 300.0, 90.0
NICE = (1, 2, 2.5, 5, 10)
Point = tuple[float, float]  # time from 0 to 1, value


@dataclass(frozen=True, slots=True)
class Line:
    """One curve; `name` is what the legend and the style sheet call it."""

    name: str
    path: str
    last: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    top: float
    target: float | None = None
    target_y: float | None = None
    grid: tuple[tuple[float, str], ...] = field(default_factory=tuple)

    @property
    def is_empty(self) -> bool:
        return not any(line.path for line in self.lines)


def nice_top(value: float) -> float:
    """The round number at or above a value, at which an axis may end."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in NICE if step * power >= value - 1e-12)


def path(points: Sequence[Point], top: float, gap: float) -> str:
    """A curve through the points, broken where more than `gap` of the time lies between two of them."""
    words: list[str] = []
    before: float | None = None
    for at, value in points:
        x, y = at * WIDTH, HEIGHT * (1 - min(value / top, 1.0))
        joined = before is not None and at - before <= gap
        # A single point is drawn as a dot: a line of no length with round ends.
        words.append(f"L{x:.1f} {y:.1f}" if joined else f"M{x:.1f} {y:.1f}h0")
        before = at
    return "".join(words)


def chart(
    title: str, unit: str, curves: Sequence[tuple[str, Sequence[Point]]], *, gap: float, target: float | None = None
) -> Chart:
    """A chart of one or more curves, as high as the highest point needs; a target is shown where it fits."""
    highest = max((value for _, points in curves for _, value in points), default=0.0)
    top = nice_top(max(highest, target if target is not None and target <= 3 * highest else 0.0))
    lines = tuple(Line(name, path(points, top, gap), points[-1][1] if points else None) for name, points in curves)
    shown = target is not None and target <= top
    return Chart(
        title=title,
        unit=unit,
        lines=lines,
        top=top,
        target=target,
        target_y=HEIGHT * (1 - target / top) if shown and target is not None else None,
        grid=tuple((HEIGHT * (1 - share), f"{top * share:g}") for share in (0.0, 0.5, 1.0)),
    )
