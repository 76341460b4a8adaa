"""Puts an installation up on the stage of `nitro bench` and lets a profile's people use it, step by step."""

from __future__ import annotations

import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psutil
import uvloop

from benchmarks.household import ROOT, START_SECONDS, Household, answers, free_port
from benchmarks.load.crowd import Model, stand_in, step
from benchmarks.load.figures import summary
from benchmarks.load.person import PATIENCE
from benchmarks.load.profiles import Bounds, Profile
from nitro.process import Program, end, spawn, wait_until

if TYPE_CHECKING:
    from benchmarks.gains.stage import Stage

RATE = 20.0  # tokens a second and stream of the stand-in
REAL_RATE = 30.0  # what is assumed of a real model when people decide how long they read
WARM_UP, FEW = 4.0, 8  # seconds and people that count for nothing, so that every process has begun
FILES = 16_384
Told = Callable[[str], None]


@dataclass(frozen=True)
class Load:
    """All steps of a profile, up to the first that a bound ended. `real` asks the built-in model, not the stand-in."""

    stage: Stage
    profile: Profile
    real: bool = False
    told: Told = lambda line: None

    def whatever_comes(self, entries: list[dict[str, Any]]) -> None:
        """The same; a fault of it is told and ends nothing else."""
        try:
            self.into(entries)
        except Exception:  # noqa: BLE001 (what was measured in the minutes before shall not be lost)
            traceback.print_exc()
            sys.stderr.write("The simulated people could not be let in; what was measured before them is kept.\n")

    def into(self, entries: list[dict[str, Any]]) -> None:
        """Add the entries of "load" in the report, each when its step is over, so that Ctrl-C keeps earlier ones."""
        allow_files()
        house, model = installation(self.stage, self.profile, real=self.real)
        parts = processes(house)
        try:
            warm_up = replace(self.profile, seconds=WARM_UP, bounds=Bounds(errors=1.0, first=PATIENCE))
            self.told("people: warming up")
            uvloop.run(step(house, parts, warm_up, FEW, model, lambda line: None))
            for count in self.profile.people:
                done = uvloop.run(step(house, parts, self.profile, count, model, self.told))
                entries.append(summary(done))
                if done.stopped:
                    break
        finally:
            self.stage.clear()


def allow_files() -> None:
    """As many open files as this process may have: each of the people is a socket or two, here and in the servers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FILES:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (FILES if hard == resource.RLIM_INFINITY else min(FILES, hard), hard)
        )


def installation(stage: Stage, profile: Profile, *, real: bool) -> tuple[Household, Model]:
    """Web processes and somebody who answers."""
    if not real:
        port = stage.model("--rate", f"{RATE:g}", "--tokens", "100")
        return stage.web(model=port, workers=profile.workers), stand_in(RATE)
    port = builtin(stage)
    settings = {"AI_MODEL": "builtin", "BUILTIN_MODEL_URL": f"http://127.0.0.1:{port}/v1"}
    house = stage.web(settings, model=port, workers=profile.workers)
    return house, Model("the built-in model", REAL_RATE, lambda tokens: "")


def builtin(stage: Stage) -> int:
    """Start the built-in model; returns its port."""
    port = free_port()
    stage.enter(running([sys.executable, "-m", "nitro.embedded.model", "--port", str(port)]))
    assert wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"), START_SECONDS), "no built-in model"
    return port


@contextmanager
def running(argv: Sequence[str]) -> Iterator[None]:
    """A program that ends when the scenario is over."""
    child = spawn(Program(argv, folder=str(ROOT)))
    try:
        yield
    finally:
        end(child, signal.SIGTERM, 10)


def processes(house: Household) -> Mapping[str, int]:
    """The parts of the installation, the models that were started for it, and this process, which is all the people."""
    known = {name: child.pid for name, child in house.children.items() if child.poll() is None}
    for child in psutil.Process().children():
        words = child.cmdline()
        for module, name in (("benchmarks.standin", "stand-in"), ("nitro.embedded.model", "model")):
            if module in words and child.pid not in known.values():
                known[name] = child.pid
    return known | {"people": os.getpid()}
