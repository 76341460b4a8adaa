"""What the performance page shows: charts of the last hour or day, and the figures of right now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from statistics import fmean
from typing import Any

from apps.monitor import series
from apps.monitor.charts import Chart, Point, chart
from apps.monitor.models import Sample
from apps.monitor.readings import Reading

MOST_POINTS = 96  # of one curve: a quarter of an hour of a day
SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
TITLES = {
    "first_word": "First word of an answer",
    "answer": "Whole answer",
    "page": "Pages",
    "image": "Pictures",
    "voice": "Speech",
    "search": "Search",
}
PLAIN = (
    ("Writing", "tokens/s", "tokens_per_second"),
    ("Memory", "MB", "memory_mb"),
    ("Processor", "%", "cpu"),
    ("Open chats", "", "sockets"),
)


@dataclass(frozen=True, slots=True)
class Gain:
    """What remembered answers have saved."""

    answers: int
    cached: int

    @property
    def percent(self) -> int:
        return round(100 * self.cached / self.answers) if self.answers else 0


def charts(samples: Sequence[Sample], *, now: datetime, span: timedelta) -> list[Chart]:
    """All charts of a span of time, oldest sample first. What nobody has done in it has an empty chart."""
    gap = max(timedelta(minutes=5) / span, 2.5 / MOST_POINTS)
    timings = [
        chart(
            TITLES[name],
            "s",
            [(share, points(samples, name, share, now=now, span=span)) for share in ("p50", "p95")],
            gap=gap,
            target=target,
        )
        for name, (_, target) in series.TIMINGS.items()
    ]
    plain = [
        chart(title, unit, [("p50", points(samples, name, "", now=now, span=span))], gap=gap)
        for title, unit, name in PLAIN
    ]
    return timings + plain


def points(samples: Sequence[Sample], name: str, share: str, *, now: datetime, span: timedelta) -> list[Point]:
    """A figure over time, from 0 (the beginning of the span) to 1 (now)."""
    found: list[Point] = []
    for one in samples:
        value: Any = one.figures.get(name)
        if isinstance(value, dict):
            value = value.get(share)
        if value is not None:
            found.append((1 - (now - one.minute) / span, float(value)))
    return thinned(found)


def thinned(found: Sequence[Point]) -> list[Point]:
    """At most so many points: those that would lie in one place of the chart become their mean."""
    if len(found) <= MOST_POINTS:
        return list(found)
    places = groupby(found, key=lambda point: int(point[0] * MOST_POINTS))
    groups = [list(group) for _, group in places]
    return [(fmean(at for at, _ in group), fmean(value for _, value in group)) for group in groups]


def gain(reading: Reading) -> Gain:
    """Since counting began."""
    turns = list(reading.series("nitro_turns_total"))
    cached = sum(amount for labels, amount in turns if labels[0] == series.CACHED)
    return Gain(int(sum(amount for _, amount in turns)), int(cached))
