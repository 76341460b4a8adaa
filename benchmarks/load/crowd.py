"""So many people at once, for a while: started one after the other, watched, and sent home at a bound."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import aiohttp

from benchmarks.household import Household
from benchmarks.load.figures import Step, bound_passed
from benchmarks.load.person import Person, World
from benchmarks.load.processes import Watch
from benchmarks.load.profiles import Profile

ARRIVALS = 20.0  # people a second, each of whom loads a page, opens a socket and asks
LOOK = 1.0  # seconds between two looks at the bounds
MEMORY_LOOK = 5.0  # seconds between two looks at the processes: each costs some milliseconds of CPU
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Model:
    """Who answers the people: `label` in words, `rate` tokens a second, `name` for an answer of so many tokens."""

    label: str
    rate: float
    name: Callable[[int], str]


def stand_in(rate: float) -> Model:
    """The stand-in, whose model names say how long an answer is."""
    return Model(f"stand-in, {rate:g} tokens/s", rate, "openai:tokens-{}".format)


async def step(
    house: Household, parts: Mapping[str, int], profile: Profile, count: int, model: Model, told: Told
) -> Step:
    """One step of a profile: `count` people until its seconds are over or a bound is passed."""
    seats, keys = await asyncio.to_thread(house.seats, count), await asyncio.to_thread(house.keys, count)
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http:
        world = World(house.port, http, profile.habits, model.rate, model.name)
        people = [Person(world, number, seats[number], keys[number]) for number in range(count)]
        watch = await asyncio.to_thread(Watch.begin, parts)
        began = time.perf_counter()
        lives = [asyncio.create_task(person.live(late)) for person, late in zip(people, arrivals(count), strict=True)]
        try:
            stopped = await watched(world, watch, profile, told=partial(_tell, told, count))
        finally:
            seconds = time.perf_counter() - began
            for life in lives:
                life.cancel()
            ended = await asyncio.gather(*lives, return_exceptions=True)
            for person in people:
                person.leave()
        for fault in ended:
            if isinstance(fault, Exception):
                raise fault
        await asyncio.to_thread(watch.again)
    return Step(profile, count, model.label, seconds, stopped, world.conversations, world.heard, watch.told(seconds))


def arrivals(count: int) -> list[float]:
    """When each person comes: evenly, and all of them within some seconds."""
    over = max(1.0, count / ARRIVALS)
    return [over * number / count for number in range(count)]


async def watched(world: World, watch: Watch, profile: Profile, told: Callable[[float, World], None]) -> str:
    """Look on until the time is over; a sentence where a bound was passed before, else nothing."""
    began = time.perf_counter()
    looked = began
    while (now := time.perf_counter()) - began < profile.seconds:
        await asyncio.sleep(min(LOOK, max(0.05, profile.seconds - (now - began))))
        now = time.perf_counter()
        if sentence := bound_passed(world.heard, world.waiting(now), profile.bounds):
            return f"Stopped after {now - began:.0f} s: {sentence}"
        if now - looked > MEMORY_LOOK:
            looked = now
            await asyncio.to_thread(watch.again)
        told(now - began, world)
    return ""


def _tell(told: Told, count: int, seconds: float, world: World) -> None:
    faults = sum(bool(one.error) for one in world.heard)
    told(f"{count} people, {seconds:.0f} s, {len(world.heard)} turns, {faults} failed")
