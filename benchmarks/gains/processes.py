"""Web processes: how soon one is there, how many there are, and how they reach PostgreSQL."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg

from apps.core.machine import machine
from benchmarks.gains.debugging import loaded
from benchmarks.gains.scenario import Facts, Pair, Probe, Scenario, Skipped
from benchmarks.gains.stage import Stage
from benchmarks.gains.talking import Client
from benchmarks.household import Household, Starter
from nitro import embedded

REQUESTS, AT_ONCE = 120, 8
LIBRARY = "cygrpc"  # the compiled part of Gemini's client library
SETTLES = 1.2  # seconds until PostgreSQL has counted a connection that was closed
PATH = "/api/conversations/"


def lazy(stage: Stage) -> Pair:
    """A web process until it answers, with and without the client libraries of all providers."""
    port = stage.model("--rate", "0")
    return Pair(*(starting(stage, port, module) for module in ("benchmarks.gains.eager", "nitro.web")))


def starting(stage: Stage, port: int, module: str) -> Probe:
    """Start one and end it again. The proof looks into the memory of the process."""

    def start(label: str) -> tuple[float, Facts]:
        house = stage.settled({}, model=port)
        began = time.perf_counter()
        with Starter(house) as starter:
            starter.webs(1, module=module, label=label)
            seconds = time.perf_counter() - began
            maps = Path(f"/proc/{house.children[f'{label}-1'].pid}/maps").read_text(encoding="utf-8")
        return seconds, {"client_library_loaded": LIBRARY in maps}

    return Probe(lambda: start("start")[0], lambda: start("proof")[1])


def pooled(stage: Stage) -> Pair:
    """The same small request, with a connection of its own or one of the pool's."""
    port = stage.model("--rate", "0")
    houses = [stage.web(model=port, module=module) for module in ("benchmarks.gains.unpooled", "nitro.web")]
    asking = [stage.program(house) for house in houses]
    return Pair(*(Probe(partial(loaded, one, PATH), partial(connecting, stage, one)) for one in asking))


def connecting(stage: Stage, asking: Client) -> Facts:
    """How many connections PostgreSQL has accepted for each of twenty requests."""
    with psycopg.connect(embedded.database_url(stage.home), autocommit=True) as database:
        time.sleep(SETTLES)
        before = sessions(database)
        for _ in range(20):
            loaded(asking, PATH)
        time.sleep(SETTLES)
        return {"new_connections_per_request": round((sessions(database) - before) / 20, 2)}


def sessions(database: psycopg.Connection[tuple[int]]) -> int:
    """Connections that were made to this database since its statistics began."""
    row = database.execute("SELECT sessions FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row is not None
    return row[0]


def crowded(few: int, many: int) -> Scenario:
    """Requests per second of a small crowd, with fewer and with more web processes."""

    def opening(stage: Stage) -> Pair:
        if many > few == 1 and machine().cores < 2:
            raise Skipped("This machine has one core, on which a second web process has nothing to run on.")
        port = stage.model("--rate", "0")
        return Pair(*(crowd(stage, stage.web(model=port, workers=workers)) for workers in (few, many)))

    return Scenario(
        name="workers" if few == 1 else "workers-guide",
        title=f"A crowd of {AT_ONCE} before {many} web processes",
        switched=f"How many web processes serve: {few} or {many}.",
        baseline=f"{few} process" + ("" if few == 1 else "es"),
        optimised=f"{many} processes",
        unit="requests/s",
        better="more",
        open=opening,
        guide="" if few == 1 else "2 × cores + 1 processes",
        groups=("server",),
        pairs=8,
    )


def crowd(stage: Stage, house: Household) -> Probe:
    """Each with a connection of its own, all asking as fast as they are answered."""
    people = [stage.program(house) for _ in range(AT_ONCE)]
    threads = stage.enter(ThreadPoolExecutor(AT_ONCE))

    def work(asking: Client) -> None:
        for _ in range(REQUESTS // AT_ONCE):
            loaded(asking, PATH)

    def sample() -> float:
        began = time.perf_counter()
        list(threads.map(work, people))
        return REQUESTS / (time.perf_counter() - began)

    return Probe(sample, lambda: {"web_processes": sum(name.startswith("web") for name in house.children)})


SCENARIOS = (
    Scenario(
        name="lazy-import",
        title="The start of a web process",
        switched="Whether the client libraries of model servers are imported at the start or at first use.",
        baseline="eager",
        optimised="lazy",
        unit="s",
        open=lazy,
        guide="5-10 s faster; 30 % faster start-up",
        groups=("server",),
        pairs=4,
        warm_up=1,
    ),
    Scenario(
        name="pool",
        title="A small request and its connection",
        switched="Whether a request takes a connection to PostgreSQL from a pool or opens its own.",
        baseline="one per request",
        optimised="pool",
        unit="ms",
        open=pooled,
        groups=("server",),
        pairs=40,
        warm_up=5,
    ),
    crowded(1, 2),
    crowded(2, 2 * machine().cores + 1),
)
