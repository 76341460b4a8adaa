"""What many people heard, summed up; and whether it is time to end. Pure arithmetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from benchmarks.load.heard import Heard
from benchmarks.load.profiles import Bounds, Profile
from benchmarks.reading import percentile

RECENT = 50  # turns that the bounds look at
ENOUGH = 10  # turns, before which nothing is judged


@dataclass(frozen=True, slots=True)
class Step:
    """So many people for a while. `stopped` is the sentence of the bound that ended it, empty where none did."""

    profile: Profile
    people: int
    model: str
    seconds: float
    stopped: str
    conversations: int
    heard: Sequence[Heard]
    processes: Sequence[Mapping[str, Any]]


def bound_passed(heard: Sequence[Heard], waiting: Sequence[float], bounds: Bounds) -> str:
    """The sentence of the first bound that the latest turns are above, empty where there is none.

    `waiting` holds for how long people wait for a first word now: somebody who was never answered counts, too.
    """
    recent = heard[-RECENT:]
    if len(recent) >= ENOUGH:
        failed = sum(bool(one.error) for one in recent) / len(recent)
        if failed > bounds.errors:
            return f"{failed:.0%} of the latest {len(recent)} turns failed, the bound is {bounds.errors:.0%}."
    firsts = [one.first for one in recent if isfinite(one.first)] + [age for age in waiting if age > bounds.first]
    if len(firsts) >= ENOUGH and (late := percentile(firsts, 0.95)) > bounds.first:
        return f"the first word came after {late:.1f} s (p95 of the latest turns), the bound is {bounds.first:g} s."
    return ""


def summary(step: Step) -> dict[str, Any]:
    """One entry of "load" in the report."""
    whole = [one for one in step.heard if not one.error]
    memory = sum(row["pss_mb"] for row in step.processes if row["nitro"])
    first = spread([one.first * 1000 for one in whole if isfinite(one.first)])
    acts = Counter(one.act for one in step.heard)
    return {
        "name": step.profile.name,
        "people": step.people,
        "guide": step.profile.guide,
        "model": step.model,
        "seconds": round(step.seconds, 1),
        "stopped": step.stopped,
        "turns": len(step.heard),
        "conversations": step.conversations,
        "stops": acts["stop"],
        "reloads": acts["reload"],
        "second_tabs": acts["second tab"],
        "errors": len(step.heard) - len(whole),
        "error_kinds": dict(Counter(one.error for one in step.heard if one.error)),
        "lost": sum(one.lost for one in step.heard),
        "doubled": sum(one.doubled for one in step.heard),
        "tokens_per_second": round(sum(one.tokens for one in whole) / step.seconds, 1),
        "first_ms": first,
        "gap_ms": spread([gap * 1000 for one in whole if one.act != "reload" for gap in one.gaps]),
        "memory_mb": round(memory, 1),
        "cores": round(sum(row["cores"] for row in step.processes if row["nitro"]), 3),
        "processes": list(step.processes),
        "within": within(step.profile, first, memory),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """The middle, the 95th percentile and the greatest of them; nothing where there are none."""
    if not values:
        return {}
    return {
        "p50": round(percentile(values, 0.5), 1),
        "p95": round(percentile(values, 0.95), 1),
        "max": round(max(values), 1),
    }


def within(profile: Profile, first: Mapping[str, float], memory: float) -> dict[str, bool]:
    """Whether what the guide promises for such a machine was kept."""
    told = {"first": bool(first) and first["p95"] <= profile.bounds.first * 1000}
    return told | ({"memory": memory <= profile.memory} if profile.memory else {})
