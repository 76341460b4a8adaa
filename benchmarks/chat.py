"""Measures the path of an answer on this machine: `python -m benchmarks.chat [--quick] [--only NAME …] [--json FILE]`.

Starts everything it needs on a fresh data folder. The load generator, the stand-in model server and Nitro share the
machine's cores. Prints a Markdown table; docs/benchmarks.md says what the figures mean.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvloop

from benchmarks import completions, pages, races, startup
from benchmarks.household import Household, household
from benchmarks.races import Figures
from benchmarks.report import table

PAUSE = 2.0  # seconds between two repetitions
Measure = Callable[[Household], Awaitable[Figures]]


@dataclass(frozen=True, slots=True)
class Bench:
    """One measurement: how the stand-in must speak, how often it is repeated, and how often again if disturbed."""

    name: str
    model: tuple[str, ...]
    measure: Measure
    repeat: int = 3
    tries: int = 4


def benches(*, quick: bool) -> list[Bench]:
    """All measurements that need a running household."""
    full = 1 if quick else 3
    unlimited = 5_000 if quick else 50_000
    race = ("--rate", "20", "--tokens", "20" if quick else "100")
    crowds = (10,) if quick else (100, 200, 500)
    return [
        Bench("one", ("--rate", "0", "--tokens", "5"), partial(races.one_chat, pairs=5 if quick else 40), full),
        Bench("starts", ("--rate", "0", "--tokens", "1"), partial(races.starts, turns=20 if quick else 200), full),
        *(Bench(f"crowd-{n}", race, partial(races.many_chats, count=n, tokens=int(race[3])), full) for n in crowds),
        Bench(
            "steady",
            ("--rate", "20", "--tokens", "20" if quick else "400"),
            partial(races.steady_chats, count=10, over=2.0, tokens=20)
            if quick
            else partial(races.steady_chats, count=100, over=20.0, tokens=400),
            full,
        ),
        Bench("speed", ("--rate", "0", "--tokens", str(unlimited)), partial(races.full_speed, tokens=unlimited), full),
        Bench(
            "straight",
            ("--rate", "0", "--tokens", str(unlimited)),
            partial(races.straight_speed, tokens=unlimited),
            full,
        ),
        Bench("api-one", ("--rate", "0", "--tokens", "5"), partial(completions.one, pairs=5 if quick else 40), full),
        *(
            Bench(f"api-crowd-{n}", race, partial(completions.crowd, count=n, tokens=int(race[3])), full)
            for n in crowds
        ),
        Bench(
            "api-speed",
            ("--rate", "0", "--tokens", str(unlimited)),
            partial(completions.full_speed, tokens=unlimited),
            full,
        ),
        Bench("bytes-100", (), partial(races.stream_bytes, rate=400 if quick else 100), full, 1),
        *([] if quick else [Bench("bytes-20", (), partial(races.stream_bytes, rate=20), 1, 1)]),
        Bench("history", (), partial(pages.long_conversation, messages=100 if quick else 1000), full),
        Bench("first-visit", (), pages.first_visit, 1),
    ]


async def run(house: Household, chosen: Sequence[Bench], calm: float) -> dict[str, list[Figures]]:
    """Every measurement, repeated; a line about each repetition goes to stderr."""
    results: dict[str, list[Figures]] = {}
    for bench in chosen:
        if bench.model:
            await asyncio.to_thread(house.model, *bench.model)
            await (completions if bench.name.startswith("api-") else races).warm_up(house)
        results[bench.name] = [await calmest(house, bench, calm) for _ in range(bench.repeat)]
    return results


async def calmest(house: Household, bench: Bench, calm: float) -> Figures:
    """One repetition; where strangers kept the machine busy it is done again, and the calmest one counts."""
    tries: list[Figures] = []
    while len(tries) < bench.tries and not any(figures["strangers"] <= calm for figures in tries):
        await asyncio.sleep(PAUSE)
        before, began = house.cpu(), time.perf_counter()
        figures = await bench.measure(house)
        used, seconds = house.cpu() - before, time.perf_counter() - began
        tries.append(figures | {"strangers": used.strangers / seconds})
        said = ", ".join(f"{name} {value:.4g}" for name, value in tries[-1].items())
        print(f"{bench.name}: {said}", file=sys.stderr, flush=True)
    return min(tries, key=lambda figures: figures["strangers"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chat", description="Measures the path of an answer.")
    parser.add_argument("--quick", action="store_true", help="a smoke test of the measurements themselves")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="only these measurements")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every repetition there")
    parser.add_argument("--calm", type=float, default=2.0, metavar="CORES", help="strangers may use so much of a core")
    given = parser.parse_args()
    wanted = [bench for bench in benches(quick=given.quick) if not given.only or bench.name in given.only]
    results: dict[str, list[Figures]] = {}
    if wanted:
        with household() as house:
            results = uvloop.run(run(house, wanted, given.calm))
    if not given.only or "startup" in given.only:
        results["startup"] = uvloop.run(startup.second_starts(1 if given.quick else 3))
    if given.json:
        given.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
