"""`nitro bench`: what each optimisation gives on this machine, beside what the performance guide promises."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.core.fingerprint import this_machine
from benchmarks.gains import keeping, tables
from benchmarks.gains.comparison import Incomparable, changes, check, earlier
from benchmarks.gains.page import page
from benchmarks.gains.progress import Progress
from benchmarks.gains.registry import NAMES, Unknown, scenario
from benchmarks.gains.result import Report
from benchmarks.gains.run import Run, shortened
from benchmarks.gains.scenario import Scenario
from benchmarks.gains.stage import Stage
from benchmarks.gains.wording import place
from benchmarks.household import ROOT
from benchmarks.load.profiles import PROFILES, SHORT, NoProfile, Profile, profile
from benchmarks.load.run import Load
from nitro import __version__

INTERRUPTED = 130
WRONG = 2


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="nitro bench", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="these scenarios alone; nothing is kept as the last run"
    )
    parser.add_argument("--quick", action="store_true", help="three samples of each: to try it out; nothing is kept")
    parser.add_argument("--list", action="store_true", help="name the scenarios and measure nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with charts")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="show what changed since an earlier --json")
    parser.add_argument("--anyway", action="store_true", help="compare with a run of another machine, too")
    parser.add_argument(
        "--load", metavar="WHO", help=f"simulated people alone: {', '.join(PROFILES)}, or how many of them"
    )
    parser.add_argument(
        "--load-seconds", type=float, default=0.0, metavar="N", help="how long each of their steps lasts"
    )
    parser.add_argument("--load-model", choices=("stand-in", "real"), default="stand-in", help="who answers them")
    return parser.parse_args(words)


def people(given: argparse.Namespace) -> Profile | None:
    """Who shall use an installation in the end: those who were asked for, a few in a whole run, nobody in a part."""
    if given.load:
        return profile(given.load, seconds=given.load_seconds)
    return None if given.only or given.quick else SHORT


def main(words: Sequence[str] | None = None) -> int:
    """Measure. Returns the exit status."""
    given = parse(sys.argv[1:] if words is None else words)
    try:
        scenarios = [scenario(name) for name in given.only or ([] if given.load else NAMES)]
        crowd = people(given)
        if given.list:
            print("\n".join(f"{one.name:<24} {one.title}" for one in scenarios))
            return 0
        return bench(given, list(shortened(scenarios)) if given.quick else scenarios, crowd)
    except (Unknown, Incomparable, NoProfile) as error:
        sys.stderr.write(f"nitro: {error}\n")
        return WRONG


def bench(given: argparse.Namespace, scenarios: Sequence[Scenario], crowd: Profile | None) -> int:
    """Everything between the command line and the exit status."""
    from nitro import settings

    machine, began, made_at = this_machine(), time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    then = earlier(given.compare) if given.compare else None
    if then is not None:
        check(then, machine, anyway=given.anyway)
    sys.stderr.write(f"Measuring on {place(machine)}; leave the machine alone meanwhile.\n")
    stage = Stage(settings.NITRO_HOME, settings.OLLAMA_BASE_URL)
    run, load = measured(scenarios, stage, crowd, real=given.load_model == "real")
    shown = Report(made_at, product(), machine, time.monotonic() - began, run.outcomes, run.interrupted, load).as_json()
    print(tables.report(shown))
    if then is not None:
        print("\n" + tables.compared(changes(then, shown)))
    save(given, shown, settings.NITRO_HOME)
    return INTERRUPTED if shown["interrupted"] else 0


def measured(
    scenarios: Sequence[Scenario], stage: Stage, crowd: Profile | None, *, real: bool
) -> tuple[Run, list[dict[str, Any]]]:
    """Run the scenarios, then let the people in; returns what came of both."""
    progress = Progress(scenarios, sys.stderr)
    load: list[dict[str, Any]] = []
    with ended_by_signals():
        run = Run(stage, told=progress)
        try:
            with stage:
                run.over(scenarios)
                if crowd is not None and not run.interrupted:
                    Load(stage, crowd, real=real, told=progress.say).whatever_comes(load)
                ignore_signals()  # what was started is ended in order, however impatient somebody is
        except KeyboardInterrupt:
            run.interrupted = True
    progress.end()
    return run, load


def save(given: argparse.Namespace, shown: dict[str, Any], home: Path) -> None:
    """Write what was asked for, and keep a whole run as the last one; a quick one is not to be believed."""
    if given.json:
        keeping.write(given.json, json.dumps(shown, indent=1))
    if given.html:
        keeping.write(given.html, page(shown))
    if not (given.only or given.quick) and any("gain" in one for one in shown["scenarios"]):
        print(f"\nKept as {keeping.keep(home, shown)}; the page /performance/ links it.")


def product() -> dict[str, str]:
    """Which Nitro was measured; the commit where it runs from a checkout."""
    known = {"version": __version__}
    try:
        head = (ROOT / ".git" / "HEAD").read_text(encoding="ascii").strip()
        if head.startswith("ref: "):
            head = (ROOT / ".git" / head.removeprefix("ref: ")).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return known
    return known | {"commit": head[:12]}


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end a run as Ctrl-C does."""

    def pressed(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.signal(name, pressed) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def ignore_signals() -> None:
    """From here on everything is being taken down."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
