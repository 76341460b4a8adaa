"""Answers that nobody can read anywhere, told to the other processes that wait for them, as long as they do.

An answer of `/v1/` has no row and no log. Who finds in Redis that another process generates it says so in the news,
again and again; the process that has it then writes its events to Redis for a while. Of answers that nobody elsewhere
waits for nothing is written.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from uuid import UUID

from redis.asyncio import Redis

from apps.chat import logstore, relaystore
from apps.chat.logstore import RedisAway
from apps.chat.relaystore import START, Broken, Ending, Entry, Place, joined
from apps.chat.replies import Question
from apps.core import news
from apps.core.cadence import next_moment
from apps.llm.events import RouterEvent

logger = logging.getLogger(__name__)

NEWS = "relay"  # the kind of news that says that somebody waits
FIRST_WISH_SECONDS, WISH_SECONDS = 0.5, 2.0  # between two wishes, before and after the first words came
WISHED_SECONDS = 6.0  # after its last wish nobody waits any more
GATHER_SECONDS = 0.1
BEAT_SECONDS = 1.0  # at least so often an entry is written, so that a slow model is not taken for a dead process
WRITE_SECONDS = 2.0  # a Redis that takes longer is given up
PATIENCE_SECONDS = 1.5  # for the first entry …
SILENT_SECONDS = 3.0  # … and for the next one
LOOK_MILLISECONDS, BLOCK_MILLISECONDS = 100, 500  # one wait for the first entry, and for the next one


class Relay:
    """Writes one answer for those who wait for it in other processes. `turn_id` is the name by which they know it."""

    def __init__(self, turn_id: UUID) -> None:
        self.turn_id = turn_id
        self._place = Place(time.time_ns() // 1_000_000, 0)
        self._wished = time.monotonic()
        self._events: list[RouterEvent] = []
        self._ending: Ending | None = None
        self._changed = asyncio.Event()

    def wish(self) -> None:
        """Somebody waits for it."""
        self._wished = time.monotonic()

    def take(self, event: RouterEvent) -> None:
        self._events.append(event)
        self._changed.set()

    def end(self, ending: Ending) -> None:
        """Nothing follows."""
        self._ending = ending
        self._changed.set()

    async def run(self) -> None:
        """Write up to the end, or until nobody waits any more. Redis being away costs the relay and nothing else."""
        redis = logstore.connect()
        try:
            await self._write_all(redis)
        except RedisAway as error:
            logger.info("An answer is relayed no more: %s", type(error).__name__)
        finally:
            await redis.aclose()

    async def _write_all(self, redis: Redis) -> None:
        await relaystore.forget(redis, self.turn_id)
        while time.monotonic() - self._wished < WISHED_SECONDS:
            entry = self._next_entry()
            self._place = Place(self._place.run, self._place.number + 1)
            async with asyncio.timeout(WRITE_SECONDS):
                await relaystore.append(redis, self.turn_id, self._place, entry)
            if entry.ending is not None:
                return
            await self._more()
        await relaystore.forget(redis, self.turn_id)

    def _next_entry(self) -> Entry:
        """What was said since the last one; nothing where it is only a sign of life."""
        events, self._events = self._events, []
        self._changed.clear()
        return Entry(joined(events), self._ending)

    async def _more(self) -> None:
        """Wait until something is there, and gather what comes right after it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT_SECONDS):
                await self._changed.wait()
        if self._ending is None and self._events:
            await next_moment(GATHER_SECONDS)


# --- where one waits --------------------------------------------------------------------------------------------------


async def follow(question: Question, turn_id: UUID) -> AsyncGenerator[Entry, None]:
    """An answer that is under way elsewhere as `turn_id`, as it comes.

    It ends without an ending where nobody writes it, or no more, and where Redis is away.
    """
    redis = logstore.connect(timeout=BLOCK_MILLISECONDS / 1000 + 1)
    try:
        async with aclosing(_entries(redis, question, turn_id)) as entries:
            async for entry in entries:
                yield entry
    except RedisAway as error:
        logger.info("An answer of another process is followed no more: %s", type(error).__name__)
    except Broken as error:
        logger.warning("An answer of another process is followed no more: %s", error)
    finally:
        await redis.aclose()


async def _entries(redis: Redis, question: Question, turn_id: UUID) -> AsyncGenerator[Entry, None]:
    last, heard, wish_at = START, time.monotonic(), 0.0
    while True:
        if (now := time.monotonic()) >= wish_at:
            await news.publish({"kind": NEWS, "turn": str(turn_id), "digest": question.digest})
            wish_at = now + (FIRST_WISH_SECONDS if last == START else WISH_SECONDS)
        wait = LOOK_MILLISECONDS if last == START else BLOCK_MILLISECONDS
        entries, last = await relaystore.read(redis, turn_id, after=last, milliseconds=wait)
        for entry in entries:
            yield entry
            if entry.ending is not None:
                return
        if entries:
            heard = time.monotonic()
        elif not await _is_worth_waiting(redis, question, turn_id, begun=last != START, heard=heard):
            return


async def _is_worth_waiting(redis: Redis, question: Question, turn_id: UUID, *, begun: bool, heard: float) -> bool:
    """Whether more may come after this silence. What has never begun may be over, or have got another name."""
    silent = time.monotonic() - heard
    if begun:
        return silent < SILENT_SECONDS
    if silent >= PATIENCE_SECONDS:
        return False
    known = await redis.get(question.keys[1])
    logstore.heed_cancellation()
    return known == str(turn_id).encode()
