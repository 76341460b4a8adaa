"""An earlier run beside this one. Runs of different machines are compared only where somebody insists."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gains.result import VERSION
from benchmarks.gains.wording import amount, place, times


class Incomparable(ValueError):
    """Why two runs are not compared; the text says what to do about it."""


def earlier(path: Path) -> dict[str, Any]:
    """The run that was kept in a file."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Incomparable(
            f"{path} cannot be read: {error}. Give a file that `nitro bench --json` has written."
        ) from error
    if not isinstance(read, dict) or read.get("version") != VERSION or "machine" not in read:
        raise Incomparable(f"{path} is no run of this version. Give a file that `nitro bench --json` has written.")
    return read


def check(then: Mapping[str, Any], machine: Mapping[str, Any], *, anyway: bool) -> None:
    """Refuse to compare two machines silently."""
    if then["machine"].get("fingerprint") != machine["fingerprint"] and not anyway:
        raise Incomparable(
            f"The earlier run is from another machine ({place(then['machine'])}; this one: {place(machine)}), so its "
            "times say nothing about what has changed. Add --anyway to compare all the same."
        )


def changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """A line for each scenario that both runs have measured."""
    known = {one["name"]: one for one in then["scenarios"] if "skipped" not in one}
    for one in now["scenarios"]:
        old = known.get(one["name"])
        if old is None or "skipped" in one or old["unit"] != one["unit"]:
            continue
        was, has = old["optimised"], one["optimised"]
        ratio = has["median"] / was["median"] - 1 if was["median"] else 0.0
        change = f"{ratio * 100:+.0f} %" + ("" if is_apart(was, has) else " (within the spread)")
        factors = (times(old["gain"]["median"]), times(one["gain"]["median"]))
        yield (one["title"], amount(was["median"], one["unit"]), amount(has["median"], one["unit"]), change, *factors)


def is_apart(was: Mapping[str, Any], has: Mapping[str, Any]) -> bool:
    """Whether each median lies outside of the other run's samples."""
    return not (was["low"] <= has["median"] <= was["high"] or has["low"] <= was["median"] <= has["high"])
