"""The last `nitro bench` of this installation, as it lies in the data folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSION = 1
NONE = "Nothing has been measured here yet: run `nitro bench`, which takes about a quarter of an hour."
OTHER = "The last bench is from another machine ({place}): run `nitro bench` here."
UNREADABLE = "{path} cannot be read: delete it and run `nitro bench`."


@dataclass(frozen=True, slots=True)
class Gain:
    """What a scenario gave: so many times better, between `low` and `high`."""

    scenario: str
    title: str
    baseline: str
    optimised: str
    median: float
    low: float
    high: float
    better: str

    @property
    def sentence(self) -> str:
        """In a line."""
        if self.low <= 1 <= self.high:
            return f"{self.title}: no difference seen ({self.low:.2f} – {self.high:.2f} ×)"
        word = "as fast" if self.better == "less" and self.median > 1 else "as good"
        return f"{self.title}: {self.median:.2f} × {word} ({self.low:.2f} – {self.high:.2f})"

    def as_dict(self) -> dict[str, Any]:
        """The shape that programs read."""
        return {"scenario": self.scenario, "median": self.median, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class LastBench:
    """The gains by scenario. `made_at` is empty, and `problem` a sentence, where there are none to speak of."""

    made_at: str = ""
    problem: str = ""
    gains: Mapping[str, Gain] = field(default_factory=dict)

    def of(self, scenarios: Iterable[str]) -> list[Gain]:
        """What is known of these."""
        return [self.gains[name] for name in scenarios if name in self.gains]


def last_bench(home: Path, fingerprint: str) -> LastBench:
    """Read it; figures of a machine with another fingerprint are not used."""
    path = home / "bench" / "last.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["version"] != VERSION:
            raise ValueError(told["version"])
        if told["machine"]["fingerprint"] != fingerprint:
            return LastBench(problem=OTHER.format(place=told["machine"].get("processor", "?")))
        gains = [_gain(one) for one in told["scenarios"] if "gain" in one]
        return LastBench(str(told["made_at"]), gains={gain.scenario: gain for gain in gains})
    except FileNotFoundError:
        return LastBench(problem=NONE)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return LastBench(problem=UNREADABLE.format(path=path))


def _gain(entry: Mapping[str, Any]) -> Gain:
    return Gain(
        scenario=str(entry["name"]),
        title=str(entry["title"]),
        baseline=str(entry["baseline"]["label"]),
        optimised=str(entry["optimised"]["label"]),
        median=float(entry["gain"]["median"]),
        low=float(entry["gain"]["low"]),
        high=float(entry["gain"]["high"]),
        better=str(entry["better"]),
    )
