"""The vocabulary of `nitro bench`: a scenario, its two sides, and how each of them takes one sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from benchmarks.gains.stage import Stage

Better = Literal["less", "more"]
Facts = Mapping[str, object]


class Skipped(Exception):
    """Raised while a scenario is set up: it cannot be measured here. The text is a sentence that says why."""


def nothing() -> Facts:
    """The proof of a side that has none to give."""
    return {}


@dataclass(frozen=True, slots=True)
class Probe:
    """One side, set up: `sample` takes one sample and returns it in the scenario's unit.

    `proof` is called after the samples and tells facts about what is really off or on, such as
    `{"content_encoding": "none"}`. They stand in the report, and a test of each scenario compares them.
    """

    sample: Callable[[], float]
    proof: Callable[[], Facts] = nothing


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides of a scenario, ready to be sampled in turns."""

    baseline: Probe
    optimised: Probe


@dataclass(frozen=True, slots=True)
class Scenario:
    """One optimisation, off and on.

    `switched` says in a sentence what the two sides differ in, `baseline` and `optimised` name them in a word or two.
    `guide` is the performance guide's claim, or "". `open` sets both sides up on the stage, which takes down again what
    was put on it, or raises `Skipped`. `pairs` samples of each side are taken after `warm_up` that count for nothing,
    fewer where `seconds` are over before, but never fewer than three.
    """

    name: str
    title: str
    switched: str
    baseline: str
    optimised: str
    unit: str
    open: Callable[[Stage], Pair]
    better: Better = "less"
    guide: str = ""
    groups: tuple[str, ...] = ()
    pairs: int = 12
    warm_up: int = 2
    seconds: float = 40.0
