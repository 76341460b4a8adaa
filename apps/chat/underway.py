"""Answers that leave no row behind while they are written, counted for the day's allowance in every process.

Only those of people with an allowance are noted, in Redis; while it is away they are not counted, as no question is.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from redis import Redis

from apps.accounts import limits
from apps.core import memory
from apps.core.memory import MemoryAway

PREFIX = "nitro:underway:"
LONGEST = 300  # seconds: what a process that died has noted counts no longer


@asynccontextmanager
async def underway(*, user_id: int) -> AsyncGenerator[None]:
    """An answer of theirs is being written."""
    if not limits.is_known_limited(user_id=user_id):
        yield
        return
    mark = uuid.uuid4().hex
    with suppress(MemoryAway):
        await memory.asked(_note, user_id, mark)
    try:
        yield
    finally:
        with suppress(MemoryAway):
            await memory.asked(_forget, user_id, mark)


def underway_count(*, user_id: int) -> int:
    """How many there are, in all processes."""
    try:
        return int(memory.ask(lambda redis: redis.zcount(PREFIX + str(user_id), time.time(), "+inf")))
    except MemoryAway:
        return 0


def _note(user_id: int, mark: str) -> None:
    name, now = PREFIX + str(user_id), time.time()

    def note(redis: Redis) -> None:
        pipe = redis.pipeline()
        pipe.zremrangebyscore(name, "-inf", now)
        pipe.zadd(name, {mark: now + LONGEST})
        pipe.expire(name, LONGEST)
        pipe.execute()

    memory.ask(note)


def _forget(user_id: int, mark: str) -> None:
    memory.ask(lambda redis: redis.zrem(PREFIX + str(user_id), mark))
