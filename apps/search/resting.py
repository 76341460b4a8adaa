"""How long an engine that limited us is left alone: for all processes, or for this one while Redis is away."""

from __future__ import annotations

from typing import Protocol

from redis import Redis

from apps.core import memory
from apps.core.memory import MemoryAway

COOL = 30.0  # seconds that an engine which limits is left alone at first …
COOLEST = 900.0  # … and at last
REST, TIMES = "nitro:engine:rest:", "nitro:engine:limits:"


def seconds_of_rest(times: int, told: float) -> float:
    """For the limit that came so often in a row, and for as long as the engine itself has told."""
    doubled = COOL * float(2 ** min(times - 1, 10))
    return min(COOLEST, max(told, doubled))


class Rests(Protocol):
    """What the processes know of each other's engines."""

    async def left(self, kind: str) -> float:
        """Seconds for which an engine is to be left alone; 0 where it may be asked, or where nobody knows."""

    async def begin(self, kind: str, times: int, told: float) -> float:
        """It limited us, as far as the caller knows for the given time in a row; returns the seconds of its rest."""

    async def end(self, kind: str) -> None:
        """It answers again: its next limit is the first one."""


class SharedRests:
    """In Redis, so that no other process knocks where one was sent away."""

    async def left(self, kind: str) -> float:
        try:
            found = await memory.asked(memory.ask, lambda redis: redis.pttl(REST + kind))
        except MemoryAway:
            return 0.0
        return max(0, int(found)) / 1000

    async def begin(self, kind: str, times: int, told: float) -> float:
        try:
            return await memory.asked(_begin, kind, told)
        except MemoryAway:
            return seconds_of_rest(times, told)

    async def end(self, kind: str) -> None:
        try:
            await memory.asked(memory.ask, lambda redis: redis.delete(REST + kind, TIMES + kind))
        except MemoryAway:
            return


def _begin(kind: str, told: float) -> float:
    def note(redis: Redis) -> float:
        times = int(redis.incr(TIMES + kind))
        seconds = seconds_of_rest(times, told)
        redis.pexpire(TIMES + kind, round((seconds + COOLEST) * 1000))
        redis.set(REST + kind, "", px=round(seconds * 1000))
        return seconds

    return memory.ask(note)
