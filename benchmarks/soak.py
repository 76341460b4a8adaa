"""Uses Nitro for hours and watches what grows: `python -m benchmarks.soak [--hours 2] [--settle 1] [--json FILE]`.

Starts `nitro up` on a fresh data folder with a stand-in model and a few people who ask, leave in mid-answer, read old
chats, order pictures, listen and search. Every half minute it notes the memory, the open files and the threads of
each kind of process; at the end it fits a line through what came after the first hour. Memory is what a process has for
itself (USS): its share of what several have (PSS) grows whenever another program with the same libraries ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

import aiohttp
import psutil

from benchmarks.household import Household, Seat, alone, free_port, fresh_home, surroundings
from benchmarks.startup import kind_of, page, up
from benchmarks.wire import Wire

PEOPLE = 12
EVERY_SECONDS = 30.0
PATIENCE = 60.0
QUESTIONS = 20  # in one chat, before a new one is begun
SEED = 21
WORDS = "river stone lamp winter garden letter engine cloud bread music harbour forest".split()


@dataclass(frozen=True, slots=True)
class Look:
    """What one kind of process took in one moment: megabytes (USS), open files and threads of all of its processes."""

    seconds: float
    kind: str
    megabytes: float
    files: int
    threads: int


@dataclass
class Log:
    """What was seen and what went wrong."""

    looks: list[Look] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)

    def note(self, name: str, problem: BaseException | None) -> None:
        """One deed of a person, and how it ended."""
        self.done[name] = self.done.get(name, 0) + 1
        if problem is not None:
            words = f"{name}: {type(problem).__name__} {problem}"[:120]
            self.failed[words] = self.failed.get(words, 0) + 1


class Person:
    """Somebody with a browser and a key."""

    def __init__(
        self, house: Household, http: aiohttp.ClientSession, seat: Seat, key: str, dice: random.Random
    ) -> None:
        self.house, self.http, self.seat, self.key, self.dice = house, http, seat, key, dice
        self.base = f"http://127.0.0.1:{house.port}"
        self.asked = 0

    def deeds(self) -> list[tuple[int, Callable[[], Awaitable[None]]]]:
        """What they do, and how often compared with the rest."""
        return [
            (40, self.ask),
            (10, self.leave),
            (15, self.read),
            (10, self.ask_again),
            (6, self.stream),
            (3, self.listen),
            (3, self.search),
            (1, self.draw),
        ]

    async def ask(self) -> None:
        """A question over the socket, read to its end; now and then in a new chat, as long ones cost more each time."""
        self.asked += 1
        if self.asked % QUESTIONS == 0:
            self.seat = replace(self.seat, conversation=(await self.post("/api/conversations/", {}))["id"])
        wire = await Wire.connect(self.house.port, self.seat.path, self.seat.cookie)
        try:
            await asyncio.wait_for(wire.ask(f"Tell me about the {self.dice.choice(WORDS)}.").ended, PATIENCE)
        finally:
            wire.close()

    async def leave(self) -> None:
        """A question, and the tab closed in mid-answer."""
        wire = await Wire.connect(self.house.port, self.seat.path, self.seat.cookie)
        turn = wire.ask("A long story, please.")
        await asyncio.sleep(self.dice.uniform(0.1, 1.5))
        turn.ended.cancel()
        wire.close()

    async def read(self) -> None:
        """The page of their chat."""
        conversation = self.seat.conversation
        async with self.http.get(f"{self.base}/c/{conversation}/", headers={"Cookie": self.seat.cookie}) as answer:
            assert answer.status == 200, answer.status
            await answer.read()

    async def ask_again(self) -> None:
        """One of few questions, so that most answers come from memory."""
        await self.post("/api/chat/", {"message": f"What is a {self.dice.choice(WORDS[:4])}?"})

    async def stream(self) -> None:
        """OpenAI's wire, left after some words."""
        body = {"model": "stand-in", "stream": True, "messages": [{"role": "user", "content": "Count."}]}
        async with self.http.post(f"{self.base}/v1/chat/completions", json=body, headers=self.headers()) as answer:
            assert answer.status == 200, answer.status
            await answer.content.readany()

    async def listen(self) -> None:
        """A sentence spoken."""
        await self.post("/api/voice/speak/", {"text": f"The {self.dice.choice(WORDS)} is number {self.dice.random()}."})

    async def search(self) -> None:
        """Their own library: nothing leaves the machine."""
        await self.post("/api/search/", {"query": self.dice.choice(WORDS)})

    async def draw(self) -> None:
        """A small picture of the built-in painter."""
        await self.post(
            "/api/images/", {"prompt": f"a {self.dice.choice(WORDS)} at night", "width": 256, "height": 256}
        )

    async def post(self, path: str, body: object) -> Any:
        """One request of a program; what was answered, where that is JSON."""
        async with self.http.post(self.base + path, json=body, headers=self.headers()) as answer:
            raw = await answer.read()
            assert answer.status < 300, f"{answer.status} {raw[:80]!r}"
            return json.loads(raw) if answer.content_type == "application/json" else None

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    async def live(self, log: Log, until: float, pause: float) -> None:
        """Do one thing after the other, with a rest between, until the time has come."""
        weights, deeds = zip(*self.deeds(), strict=True)
        while time.perf_counter() < until:
            (deed,) = self.dice.choices(deeds, weights)
            problem: BaseException | None = None
            try:
                await deed()
            except (AssertionError, OSError, TimeoutError, aiohttp.ClientError) as error:
                problem = error
            log.note(deed.__name__, problem)
            await asyncio.sleep(self.dice.expovariate(1 / pause))


def looked(parent: int, began: float) -> list[Look]:
    """Each kind of process in this moment."""
    found: dict[str, list[float]] = {}
    own = psutil.Process(parent)
    for process in [own, *own.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            figures = (process.memory_full_info().uss / 1e6, process.num_fds(), process.num_threads())
            sums = found.setdefault(kind_of(process), [0.0, 0.0, 0.0])
            found[kind_of(process)] = [a + b for a, b in zip(sums, figures, strict=True)]
    seconds = time.perf_counter() - began
    return [Look(seconds, kind, mb, int(files), int(threads)) for kind, (mb, files, threads) in found.items()]


async def watch(log: Log, parent: int, began: float, until: float) -> None:
    """Look every half minute."""
    while time.perf_counter() < until:
        looks = await asyncio.to_thread(looked, parent, began)
        log.looks += looks
        said = ", ".join(f"{look.kind} {look.megabytes:.0f} MB {look.files} files" for look in looks)
        total = sum(log.done.values())
        print(f"{looks[0].seconds / 60:.0f} min, {total} deeds: {said}", file=sys.stderr, flush=True)
        await asyncio.sleep(EVERY_SECONDS)


async def soak(hours: float, pause: float) -> Log:
    """The whole of it."""
    with alone(), fresh_home() as home:
        model_port = free_port()
        settings = surroundings(home, model_port) | {"SEARCH_ENGINE": "library"}
        house = Household(home, free_port(), model_port, settings)
        house.model("--rate", "30", "--tokens", "120")
        try:
            with up(house) as (parent, _):
                await page(house)
                return await lived(house, parent.pid, hours, pause)
        finally:
            house.children["model"].kill()


async def lived(house: Household, parent: int, hours: float, pause: float) -> Log:
    """People living with a running Nitro, and somebody who looks."""
    seats, keys = await asyncio.to_thread(house.seats, PEOPLE), await asyncio.to_thread(house.keys, PEOPLE)
    log, began = Log(), time.perf_counter()
    until = began + hours * 3600
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as http:
        people = [
            Person(house, http, seat, key, random.Random(SEED + number))
            for number, (seat, key) in enumerate(zip(seats, keys, strict=True))
        ]
        await asyncio.gather(watch(log, parent, began, until), *(one.live(log, until, pause) for one in people))
    return log


def slope(looks: Sequence[Look], settle: float) -> tuple[float, float, float]:
    """Megabytes, files and threads gained per hour by one kind of process after the first `settle` seconds."""
    late = [look for look in looks if look.seconds >= settle]
    if len(late) < 2:
        return 0.0, 0.0, 0.0
    hours = [look.seconds / 3600 for look in late]
    columns = ([x.megabytes for x in late], [float(x.files) for x in late], [float(x.threads) for x in late])
    mb, files, threads = (linear_regression(hours, column).slope for column in columns)
    return mb, files, threads


def table(log: Log, settle: float) -> str:
    """What grew, as a Markdown table, and what went wrong below it."""
    lines = [
        "| processes | memory, MB | per hour | open files | per hour | threads per hour |",
        "|---|---|---|---|---|---|",
    ]
    for kind in sorted({look.kind for look in log.looks}):
        looks = [look for look in log.looks if look.kind == kind]
        mb, files, threads = slope(looks, settle)
        size, opened = median(look.megabytes for look in looks), median(look.files for look in looks)
        lines.append(f"| {kind} | {size:.0f} | {mb:+.2f} | {opened:.0f} | {files:+.2f} | {threads:+.2f} |")
    deeds = ", ".join(f"{name} {count}" for name, count in sorted(log.done.items()))
    return "\n".join([*lines, "", f"Done: {deeds}.", f"Failed: {log.failed or 'nothing'}."])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="Watches what grows in hours.")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--settle", type=float, default=1.0, help="hours that do not count")
    parser.add_argument("--pause", type=float, default=6.0, help="seconds between two deeds of a person, on average")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every look there")
    given = parser.parse_args()
    log = asyncio.run(soak(given.hours, given.pause))
    if given.json:
        rows = [[x.seconds, x.kind, x.megabytes, x.files, x.threads] for x in log.looks]
        given.json.write_text(json.dumps({"looks": rows, "done": log.done, "failed": log.failed}), encoding="utf-8")
    print(table(log, given.settle * 3600))


if __name__ == "__main__":
    main()
