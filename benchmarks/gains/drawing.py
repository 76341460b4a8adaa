"""Pictures of the built-in painter, through the worker: one that has to be drawn, and one that was drawn before."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from benchmarks.gains.scenario import Facts, Pair, Probe, Scenario
from benchmarks.gains.stage import Stage
from benchmarks.gains.talking import Client, program
from benchmarks.household import ROOT, Household
from nitro.process import Program, end, spawn

IMAGES = "/api/images/"
ORDER = {"prompt": "a boat near a lighthouse", "width": 512, "height": 512, "steps": 20}
LOOK = 0.01  # seconds between two looks at a job; a page is told, a program has to look
PATIENCE = 120.0


@contextmanager
def worker(house: Household) -> Iterator[None]:
    """A Celery worker on the stores of the run."""
    environment = {**house.environment, "NITRO_ROLE": "worker", "NITRO_SLOT": "worker"}
    with (house.home / "worker.log").open("ab") as log:
        child = spawn(Program([sys.executable, "-m", "nitro.worker"], environment=environment, folder=str(ROOT)), log)
    try:
        yield
    finally:
        end(child, signal.SIGTERM, 15)


class Ordered:
    """One side: orders with ever new seeds, or always the same one."""

    def __init__(self, client: Client, seeds: Iterator[int]) -> None:
        self.client, self.seeds = client, seeds
        self.jobs: set[str] = set()
        self.orders = 0

    def sample(self) -> float:
        """Seconds from an order to its picture, the file itself included."""
        began = time.perf_counter()
        job = self.client.post(IMAGES, ORDER | {"seed": next(self.seeds)}).json()
        while job["state"] in {"queued", "running"}:
            assert time.perf_counter() - began < PATIENCE, "no picture was drawn"
            time.sleep(LOOK)
            job = self.client.get(f"{IMAGES}{job['id']}/").json()
        assert job["state"] == "done", job
        assert self.client.get(job["images"][0]["url"]).status == 200
        self.jobs.add(job["id"])
        self.orders += 1
        return time.perf_counter() - began

    def proof(self) -> Facts:
        """Whether every order was a job of its own."""
        return {"every_order_was_drawn": len(self.jobs) == self.orders, "jobs": len(self.jobs)}


def always(seed: int) -> Iterator[int]:
    """The same seed again and again."""
    while True:
        yield seed


def drawing(stage: Stage) -> Pair:
    """The same installation draws for both."""
    house = stage.web({"IMAGE_ENGINE": "painter"})
    stage.enter(worker(house))
    client = stage.enter(program(house.port, stage.key()))
    fresh, known = Ordered(client, count(1)), Ordered(client, always(10**6))
    Ordered(client, always(10**6)).sample()
    return Pair(Probe(fresh.sample, fresh.proof), Probe(known.sample, known.proof))


SCENARIOS = (
    Scenario(
        name="image-cached",
        title="A picture of 512 × 512, order to file, by the built-in painter",
        switched="Whether the same order with the same seed was drawn before.",
        baseline="fresh",
        optimised="drawn before",
        unit="s",
        open=drawing,
        guide="30–90 s, cached 0.1 s (99 % faster); < 60 s",
        groups=("images",),
        pairs=8,
    ),
)
