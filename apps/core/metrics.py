"""What is counted while Nitro works: numbers that only grow, distributions of seconds, and what is true right now.

Counting costs a microsecond and no I/O. Every process hands its counts over now and then (`apps/core/publishing.py`):
they are those of all processes together, and outlive each of them.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds
SEPARATOR = "\t"  # between a metric's name, the values of its labels and, of a histogram, the part of it
SUM, MORE = "sum", "inf"

_lock = threading.Lock()
_pending: defaultdict[str, float] = defaultdict(float)


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is measured. `name` follows Prometheus: a unit at its end, `_total` where it only grows."""

    name: str
    help: str
    labels: tuple[str, ...] = ()

    def field(self, values: Iterable[str], part: str = "") -> str:
        """The name under which a count is kept."""
        clean = [value.replace(SEPARATOR, " ") for value in values]
        return SEPARATOR.join([self.name, *clean, *([part] if part else [])])


class Counter(Metric):
    """A number that only grows."""

    def add(self, amount: float = 1.0, *values: str) -> None:
        """Count; `values` are those of the labels, in order."""
        with _lock:
            _pending[self.field(values)] += amount


class Histogram(Metric):
    """How long something takes, in seconds."""

    def observe(self, seconds: float, *values: str) -> None:
        """Count one duration; `values` are those of the labels, in order."""
        place = bisect_left(BUCKETS, seconds)
        part = MORE if place == len(BUCKETS) else f"{BUCKETS[place]:g}"
        with _lock:
            _pending[self.field(values, part)] += 1
            _pending[self.field(values, SUM)] += seconds


@dataclass(frozen=True, slots=True)
class Gauge(Metric):
    """What is true right now in this process: read when counts are handed over. Processes are added up."""

    read: Callable[[], float] = lambda: 0.0


M = TypeVar("M", bound=Metric)
_known: dict[str, Metric] = {}
_gauges: dict[str, Gauge] = {}


def counter(name: str, text: str, *labels: str) -> Counter:
    """Make a counter known; each name once."""
    return _register(Counter(name, text, labels))


def histogram(name: str, text: str, *labels: str) -> Histogram:
    """Make a histogram known; each name once."""
    return _register(Histogram(name, text, labels))


def gauge(name: str, text: str, read: Callable[[], float]) -> Gauge:
    """Make a gauge known; each name once."""
    made = _register(Gauge(name, text, (), read))
    _gauges[name] = made
    return made


def _register(metric: M) -> M:
    _known[metric.name] = metric
    return metric


def known() -> Mapping[str, Metric]:
    """All metrics that this process knows, by name."""
    return _known


def readings() -> dict[str, float]:
    """What the gauges of this process say."""
    return {name: made.read() for name, made in _gauges.items()}


def take() -> dict[str, float]:
    """What was counted since the last time, by field."""
    with _lock:
        taken = dict(_pending)
        _pending.clear()
    return taken


def put_back(counts: Mapping[str, float]) -> None:
    """Counts that could not be handed over: they go with the next ones."""
    with _lock:
        for field, amount in counts.items():
            _pending[field] += amount
