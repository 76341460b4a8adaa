"""What came of a run, as values and as JSON, version 1; the performance page and `nitro doctor` read the JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.gains.figures import Gain, Side
from benchmarks.gains.scenario import Facts, Scenario

VERSION = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """A scenario that was measured. `complete` is False where time or Ctrl-C ended it before its last pair."""

    scenario: Scenario
    baseline: Side
    optimised: Side
    gain: Gain
    proofs: tuple[Facts, Facts] = ({}, {})
    complete: bool = True

    def as_json(self) -> dict[str, Any]:
        """One entry of "scenarios"."""
        one = self.scenario
        return {
            "name": one.name,
            "title": one.title,
            "switched": one.switched,
            "unit": one.unit,
            "better": one.better,
            "guide": one.guide,
            "groups": list(one.groups),
            "complete": self.complete,
            "baseline": _side(self.baseline, self.proofs[0]),
            "optimised": _side(self.optimised, self.proofs[1]),
            "gain": {"median": self.gain.median, "low": self.gain.low, "high": self.gain.high},
        }


def _side(side: Side, proof: Facts) -> dict[str, Any]:
    return {
        "label": side.label,
        "samples": list(side.samples),
        "median": side.median,
        "p95": side.p95,
        "low": side.low,
        "high": side.high,
        "proof": dict(proof),
    }


@dataclass(frozen=True, slots=True)
class Left:
    """A scenario that was not measured, and the sentence that says why."""

    scenario: Scenario
    reason: str

    def as_json(self) -> dict[str, Any]:
        """One entry of "scenarios"."""
        return {
            "name": self.scenario.name,
            "title": self.scenario.title,
            "guide": self.scenario.guide,
            "skipped": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A run. `made_at` is an ISO time; `load` holds what the simulated people saw, as JSON values."""

    made_at: str
    nitro: dict[str, str]
    machine: dict[str, Any]
    seconds: float
    scenarios: Sequence[Outcome | Left]
    interrupted: bool = False
    load: Sequence[dict[str, Any]] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """All of it, in the shape that other programs read."""
        return {
            "version": VERSION,
            "made_at": self.made_at,
            "machine": self.machine,
            "nitro": self.nitro,
            "seconds": round(self.seconds, 1),
            "interrupted": self.interrupted,
            "scenarios": [one.as_json() for one in self.scenarios],
            "load": list(self.load),
        }
