"""Runs made up for the tests of reports."""

from __future__ import annotations

from typing import Any

from apps.core.fingerprint import this_machine
from benchmarks.gains.figures import Side, gain
from benchmarks.gains.result import Left, Outcome, Report
from benchmarks.gains.scenario import Pair, Probe, Scenario


def scenario(name: str = "gzip", title: str = "A page", guide: str = "60 to 80 % smaller") -> Scenario:
    pair = Pair(Probe(lambda: 1.0), Probe(lambda: 1.0))
    return Scenario(name, title, "The encoding.", "none", "gzip", "kB", lambda stage: pair, guide=guide)


def outcome(one: Scenario | None = None, old: tuple[float, ...] = (9.0, 8.0, 10.0), times: float = 4.0) -> Outcome:
    one = one or scenario()
    new = tuple(value / times for value in old)
    return Outcome(one, Side(one.baseline, old), Side(one.optimised, new), gain(old, new, one.better))


def run(*found: Outcome | Left, interrupted: bool = False) -> dict[str, Any]:
    nitro = {"version": "0.1.0"}
    return Report("2026-11-27T12:00:00+00:00", nitro, this_machine(), 12.3, found, interrupted).as_json()
