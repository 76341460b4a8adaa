"""`nitro up` for the second time: when the page is there, when the built-in model speaks, and the memory of it all."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks.household import ROOT, Household, Seat, answers, free_port, fresh_home, machine
from benchmarks.reading import read
from benchmarks.wire import Wire

Figures = dict[str, float]
START_SECONDS = 180.0
IDLE_SECONDS = 15.0


async def second_starts(repeat: int) -> list[Figures]:
    """One first start, then `repeat` further ones on the same data folder, each measured."""
    with fresh_home() as home:
        house = Household(home, free_port(), 0, builtin(home))
        with up(house):
            await page(house)
            (seat,) = await asyncio.to_thread(house.seats, 1)
        return [await start(house, seat) for _ in range(repeat)]


async def start(house: Household, seat: Seat) -> Figures:
    """One start, from the command to the first word, then idleness."""
    with up(house) as (parent, began):
        page_s = await page(house) - began
        wire = await patient(house, seat)
        turn = wire.ask("Say hello.")
        await asyncio.wait_for(turn.ended, START_SECONDS)
        first = turn.asked + read(turn).first - began
        wire.close()
        await asyncio.sleep(IDLE_SECONDS)
        figures = {"page_s": page_s, "first_token_s": first} | memory(parent)
        print("startup: " + ", ".join(f"{k} {v:.3g}" for k, v in figures.items()), file=sys.stderr, flush=True)
        return figures


def builtin(home: Path) -> dict[str, str]:
    """The environment of a Nitro nobody has configured."""
    return machine() | {
        "NITRO_HOME": str(home),
        "PYTHONPATH": str(ROOT),
    }


@contextmanager
def up(house: Household) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """`nitro up`, with the moment at which it was started."""
    began = time.perf_counter()
    argv = [sys.executable, "-m", "nitro", "up", "--port", str(house.port), "--workers", "2"]
    with (house.home / "up.log").open("ab") as log:
        child = subprocess.Popen(argv, env=dict(house.environment), cwd=house.home, stdout=log, stderr=log)
    try:
        yield child, began
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(60)


async def page(house: Household) -> float:
    """The moment at which the page is served: all of it, for somebody who is not signed in yet."""
    while not await asyncio.to_thread(answers, f"http://127.0.0.1:{house.port}/"):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return time.perf_counter()


async def patient(house: Household, seat: Seat) -> Wire:
    """A socket, as soon as there is one to be had."""
    for _ in range(int(START_SECONDS / 0.1)):
        with suppress(OSError):
            return await Wire.connect(house.port, seat.path, seat.cookie)
        await asyncio.sleep(0.1)
    raise TimeoutError("no socket")


def by_kind(parent: subprocess.Popen[bytes]) -> dict[str, list[int]]:
    """The processes that answer questions, and PostgreSQL with its own."""
    found: dict[str, list[int]] = {"web": [], "postgres": [], "redis": []}
    for process in psutil.Process(parent.pid).children():
        if (kind := kind_of(process)) in found:
            found[kind].append(process.pid)
    return found


def memory(parent: subprocess.Popen[bytes]) -> Figures:
    """Proportional set sizes in MB, by process; the model's apart from the others'."""
    sizes: dict[str, float] = {}
    own = psutil.Process(parent.pid)
    for process in [own, *own.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            name = kind_of(process)
            sizes[name] = sizes.get(name, 0.0) + process.memory_full_info().pss / 1e6
    model = sizes.pop("model", 0.0)
    return {"memory_mb": sum(sizes.values()), "model_mb": model} | {f"{k}_mb": v for k, v in sizes.items()}


def kind_of(process: psutil.Process) -> str:
    """Which part of Nitro a process is."""
    words = " ".join(process.cmdline())
    for name in ("nitro.embedded.model", "nitro.web", "nitro.worker", "nitro up", "redis"):
        if name in words:
            return name.removeprefix("nitro.").removeprefix("embedded.").replace("nitro up", "supervisor")
    return "postgres" if "postgres" in words else "other"
