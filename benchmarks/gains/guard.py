"""Guards the gains: `make bench-check` measures them shortly and compares them with those kept in `ratios.json`.

    python -m benchmarks.gains.guard [--from FILE] [--only NAME …]      exit 1 where something has become worse
    python -m benchmarks.gains.guard --keep [--from FILE]               keep what was measured

Ratios travel between machines, times do not; so ratios alone are kept, each with the least and the greatest of its
pairs.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from apps.core.fingerprint import this_machine
from benchmarks.gains.command import INTERRUPTED, measured
from benchmarks.gains.figures import times
from benchmarks.gains.keeping import write
from benchmarks.gains.registry import NAMES, Unknown, scenario
from benchmarks.gains.run import shortened
from benchmarks.gains.stage import Stage
from benchmarks.gains.tables import table
from benchmarks.gains.wording import DASH, number, place

RATIOS = Path(__file__).parent.parent / "ratios.json"
VERSION = 1
SLACK, SHARE = 0.9, 0.75  # see `floor`
HEAD = ("scenario", "kept", "spread", "now", "spread", "")
FAULT = "It failed"  # how `run` begins the reason of a scenario that broke
Entry = Mapping[str, Any]


class NoRatios(ValueError):
    """The file of ratios, or of a run, is not there or not what it should be."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times better the optimised side is: the middle of all pairs, the least and the greatest of them."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A line of the comparison. `bad` makes the check fail; `again` asks for a second measurement before it does."""

    name: str
    kept: Ratio | None
    now: Ratio | None
    words: str
    bad: bool = False
    again: bool = False

    def cells(self) -> Sequence[str]:
        """The line below `HEAD`."""
        return (self.name, *_cells(self.kept), *_cells(self.now), self.words)


def ratio(entry: Entry) -> Ratio:
    """The pairs of a scenario, as they stand in the JSON of a run."""
    pairs = zip(entry["baseline"]["samples"], entry["optimised"]["samples"], strict=True)
    found = [times(old, new) if entry["better"] == "less" else times(new, old) for old, new in pairs]
    return Ratio(median(found), min(found), max(found))


def ratios(shown: Entry) -> dict[str, Ratio]:
    """All of a run that were measured."""
    return {one["name"]: ratio(one) for one in shown["scenarios"] if "gain" in one}


def verdicts(kept: Mapping[str, Ratio], shown: Entry, names: Iterable[str]) -> list[Verdict]:
    """What has become of each ratio, those of `names` alone."""
    now = ratios(shown)
    left = {one["name"]: str(one["skipped"]) for one in shown["scenarios"] if "skipped" in one}
    return [verdict(name, kept.get(name), now.get(name), left.get(name, "")) for name in names]


def verdict(name: str, kept: Ratio | None, now: Ratio | None, left: str) -> Verdict:
    """One ratio: worse is a median that lies under every pair that was seen when it was kept, and not by little."""
    if left.startswith(FAULT):
        return Verdict(name, kept, None, left, bad=True, again=True)
    if now is None:
        return Verdict(name, kept, None, f"not measured: {left}" if left else "not measured")
    if kept is None:
        return Verdict(name, None, now, "new: keep it with `make bench-keep`")
    if now.median < floor(kept.low):
        return Verdict(name, kept, now, "WORSE", bad=True, again=True)
    return Verdict(name, kept, now, "better" if now.median > ceiling(kept.high) else "as kept")


def floor(low: float) -> float:
    """The least median that is still chance: a tenth below the least kept pair, or with a quarter of a gain lost.

    A gain of 60 is one of 22 on a machine that draws, thinks or listens faster, since only one of its sides does so; on
    a logarithmic scale that is the quarter.
    """
    return min(low * SLACK, math.pow(low, SHARE))


def ceiling(high: float) -> float:
    """The same upwards."""
    return max(high / SLACK, math.pow(high, 1 / SHARE))


def gone(kept: Iterable[str], known: Iterable[str]) -> list[Verdict]:
    """Ratios of scenarios that there are no more: they would be guarded by nobody."""
    lost = sorted(set(kept) - set(known))
    return [Verdict(name, None, None, "GONE: no scenario has this name", bad=True) for name in lost]


# --- files -----------------------------------------------------------------------------------------------------------


def kept_ratios(path: Path) -> tuple[dict[str, Ratio], str]:
    """What was kept, and where it was measured. Raises `NoRatios`."""
    told = _read(path)
    try:
        if told["version"] != VERSION:
            raise NoRatios(f"{path} is of version {told['version']}: write it anew with `make bench-keep`.")
        return {name: Ratio(**one) for name, one in told["ratios"].items()}, str(told["machine"])
    except (LookupError, TypeError, AttributeError) as error:
        raise NoRatios(f"{path} holds no ratios: write it anew with `make bench-keep`.") from error


def keep(path: Path, shown: Entry) -> None:
    """Write the ratios of a run; what it did not measure stays as it was kept."""
    before = kept_ratios(path)[0] if path.exists() else {}
    found = {name: one for name, one in (before | ratios(shown)).items() if name in NAMES}
    lines = {name: {k: round(v, 4) for k, v in asdict(one).items()} for name, one in sorted(found.items())}
    told = {"version": VERSION, "made_at": shown["made_at"], "machine": place(shown["machine"]), "ratios": lines}
    write(path, json.dumps(told, indent=1) + "\n")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoRatios(f"{path} cannot be read: {error}.") from error


# --- the command -----------------------------------------------------------------------------------------------------


def measure(names: Sequence[str]) -> dict[str, Any]:
    """The quick form of these scenarios; what of a run's JSON is needed here. Ctrl-C ends it early."""
    from nitro import settings

    stage = Stage(settings.NITRO_HOME, settings.OLLAMA_BASE_URL)
    run, _ = measured(list(shortened([scenario(name) for name in names])), stage, None, real=False)
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    told = [one.as_json() for one in run.outcomes]
    return {"made_at": made_at, "machine": this_machine(), "scenarios": told, "interrupted": run.interrupted}


def whole(shown: dict[str, Any]) -> dict[str, Any]:
    """What was measured; a run that was ended early says nothing about what has become worse."""
    if shown.get("interrupted"):
        raise KeyboardInterrupt
    return shown


def check(names: Sequence[str], path: Path, shown: Entry | None) -> int:
    """Compare, measure what looks worse once more, print a table. Returns the exit status."""
    kept, where = kept_ratios(path)
    found = verdicts(kept, shown or whole(measure(names)), names)
    doubtful = [one.name for one in found if one.again] if shown is None else []
    if doubtful:
        sys.stderr.write(f"Measured once more, since it looked worse: {', '.join(doubtful)}\n")
        second = {one.name: one for one in verdicts(kept, whole(measure(doubtful)), doubtful)}
        found = [second.get(one.name, one) for one in found]
    found += gone(kept, NAMES)
    print(f"Kept on {where}; ratios are compared, never times.\n")
    print(table(HEAD, (one.cells() for one in found)))
    bad = [one.name for one in found if one.bad]
    print(f"\nWorse than kept: {', '.join(bad)}." if bad else "\nNothing has become worse.")
    return 1 if bad else 0


def main(words: Sequence[str] | None = None, path: Path = RATIOS) -> int:
    """Check or keep. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gains.guard", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep what was measured instead of comparing it")
    parser.add_argument("--from", dest="run", type=Path, metavar="FILE", help="a run's --json, instead of measuring")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=list(NAMES), help="these scenarios alone")
    given = parser.parse_args(words)
    try:
        [scenario(name) for name in given.only]
        shown = _read(given.run) if given.run else None
        if not given.keep:
            return check(given.only, path, shown)
        shown = shown or measure(given.only)
        keep(path, shown)
        print(f"Kept in {path}: {', '.join(ratios(shown)) or 'nothing new'}.")
        return INTERRUPTED if shown.get("interrupted") else 0
    except (NoRatios, Unknown) as error:
        sys.stderr.write(f"bench-check: {error}\n")
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED


def _cells(one: Ratio | None) -> Sequence[str]:
    return ("", "") if one is None else (f"{number(one.median)} ×", f"{number(one.low)} {DASH} {number(one.high)}")


if __name__ == "__main__":
    sys.exit(main())
