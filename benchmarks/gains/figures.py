"""What samples say: the middle, the spread, and the gain of one side over the other. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

from benchmarks.gains.scenario import Better
from benchmarks.reading import percentile

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Side:
    """The samples of one side in the order in which they were taken; `low` and `high` are the extremes."""

    label: str
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.samples)

    @property
    def p95(self) -> float:
        return percentile(self.samples, 0.95)

    @property
    def low(self) -> float:
        return min(self.samples)

    @property
    def high(self) -> float:
        return max(self.samples)


@dataclass(frozen=True, slots=True)
class Gain:
    """How many times better the optimised side is, pair by pair: 1 is no difference, 2 is half the time.

    `low` and `high` hold the true median with at least 95 % confidence, by the order of the pairs alone; with fewer
    than six pairs no range can promise that, and they are the extremes.
    """

    median: float
    low: float
    high: float


def gain(baseline: Sequence[float], optimised: Sequence[float], better: Better) -> Gain:
    """The gain of the pairs; both sides have equally many samples."""
    pairs = zip(baseline, optimised, strict=True)
    ratios = sorted(times(old, new) if better == "less" else times(new, old) for old, new in pairs)
    outer = rank(len(ratios))
    return Gain(median(ratios), ratios[outer], ratios[-1 - outer])


def times(upper: float, lower: float) -> float:
    """A ratio that stays a number where something took no time at all."""
    return upper / lower if lower else float(upper == 0) or 1e9


def rank(count: int) -> int:
    """How many values may be left away at each end so that the rest holds the median with 95 % confidence."""
    outside, left = 0.0, 0
    for below in range(count // 2):
        outside += 2 * comb(count, below) / 2**count
        if outside > 1 - CONFIDENCE:
            break
        left = below
    return left
