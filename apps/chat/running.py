"""The turns that run in this process, and the task that keeps them safe.

Every process writes the words of all its turns to Redis in one go a few times a second, renews their leases in
PostgreSQL every few seconds, and ends the turns of processes that died. While Redis is away the words go to PostgreSQL.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
import uuid
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from redis.asyncio import Redis

from apps.chat import logstore, services
from apps.chat.flights import Flights
from apps.chat.logstore import RedisAway, Unwritten
from apps.chat.turnlog import Status, TurnLog
from apps.core import memory
from apps.core.database import in_database
from apps.core.errors import DatabaseAway

logger = logging.getLogger(__name__)

WRITE_SECONDS = 0.15  # between two writes to Redis: at most this much is lost with the process
GATHER_SECONDS = 0.02  # of it the writing waits, so that it does not come between a question and its first words
CHECKPOINT_SECONDS = 0.4  # between two checkpoints to PostgreSQL while Redis is away
LEASE_SECONDS = 4.0
REDIS_RETRY_SECONDS = 3.0
KEPT_SECONDS = 30.0  # a finished turn stays readable from memory


@dataclass(eq=False, slots=True)
class LiveTurn:
    """A turn in this process: its log, what of it is stored elsewhere, and how to end it."""

    turn_id: UUID
    conversation_id: UUID
    answer_id: UUID
    user_id: int
    log: TurnLog
    producer: asyncio.Task[None] | None = None
    task: asyncio.Task[None] | None = None
    stopping: str = ""  # the finish reason to end with, once somebody has asked for it
    written: int = 0  # deltas that are in Redis
    checkpointed: int = 0  # deltas that are in PostgreSQL
    status_written: Status | None = None
    status_number: int = 0
    end_written: bool = False

    def stop(self, reason: str = "stopped") -> None:
        """End the turn; the words so far are kept. A second call changes nothing."""
        self.stopping = self.stopping or reason
        if self.producer is not None:
            self.producer.cancel()

    def unwritten(self) -> Unwritten:
        log = self.log
        status = log.status if log.status is not self.status_written and not self.written else None
        end = log.end if not self.end_written else None
        return Unwritten(self.turn_id, self.written + 1, log.texts[self.written :], status, self.status_number + 1, end)

    def mark_written(self, item: Unwritten) -> None:
        self.written += len(item.texts)
        if item.status is not None:
            self.status_written = item.status
            self.status_number += 1
        self.end_written = self.end_written or item.end is not None

    def checkpoint(self) -> services.Checkpoint:
        return services.Checkpoint(self.turn_id, self.log.text, tuple(self.log.marks))


def place() -> str:
    """Where this process runs: machine and slot. The next process in the same slot knows that this one is gone."""
    return f"{socket.gethostname()[:60]}/{settings.NITRO_SLOT}/"


@dataclass(eq=False)
class RunningTurns:
    """All turns of one event loop. `start` begins the keeping; nothing else here waits for Redis or PostgreSQL."""

    place: str = field(default_factory=place)
    incarnation: str = field(default_factory=lambda: f"{os.getpid()}-{uuid.uuid4().hex[:8]}")
    live: dict[UUID, LiveTurn] = field(default_factory=dict)
    draining: bool = False
    busy: int = 0  # turns that are being written right now; `live` also keeps finished ones for a while
    starting: int = 0  # requests that are just being saved

    def __post_init__(self) -> None:
        self._dirty: set[LiveTurn] = set()
        self._changed = asyncio.Event()
        self._storing = asyncio.Lock()
        self._redis: Redis | None = None
        self._redis_away_until = 0.0
        self.tasks: set[asyncio.Task[None]] = set()
        self.flights = Flights(self.tasks)

    @property
    def owner(self) -> str:
        return self.place + self.incarnation

    @property
    def redis_away(self) -> bool:
        return time.monotonic() < self._redis_away_until

    @property
    def running(self) -> list[LiveTurn]:
        return [live for live in self.live.values() if live.log.end is None]

    def add(self, live: LiveTurn) -> None:
        self.live[live.turn_id] = live
        self.busy += 1

    def touch(self, live: LiveTurn) -> None:
        """Something of this turn is new."""
        self._dirty.add(live)
        self._changed.set()

    def forget_later(self, live: LiveTurn) -> None:
        self.busy -= 1
        asyncio.get_running_loop().call_later(KEPT_SECONDS, self.live.pop, live.turn_id, None)

    async def close(self) -> None:
        """Let go of Redis."""
        redis, self._redis = self._redis, None
        if redis is not None:
            await redis.aclose()

    # --- words to Redis, or to PostgreSQL while Redis is away ---

    async def keep_writing(self) -> None:
        """Store new words, for ever."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._changed.clear()
            await self.flush()
            await asyncio.sleep(CHECKPOINT_SECONDS if self.redis_away else WRITE_SECONDS - GATHER_SECONDS)

    async def flush(self) -> None:
        """Store everything that was said until now."""
        async with self._storing:  # two at once would count the same words twice
            await self._store()

    async def _store(self) -> None:
        dirty, self._dirty = self._dirty, set()
        if not self.redis_away and await self._write(dirty):
            return
        # An ended turn is only kept where its log in Redis still lacks the end, without which it never expires.
        self._dirty |= {live for live in dirty if not live.end_written and (live.written or live.log.end is None)}
        await self.checkpoint([live for live in dirty if live.log.end is None])

    async def _write(self, dirty: set[LiveTurn]) -> bool:
        items = [(live, live.unwritten()) for live in dirty]
        try:
            if self._redis is None:
                self._redis = logstore.connect()
            await logstore.write(self._redis, [item for _, item in items])
        except RedisAway as error:
            await self._lose_redis(error)
            return False
        self._redis_away_until = 0.0
        for live, item in items:
            live.mark_written(item)
        return True

    async def _lose_redis(self, error: Exception) -> None:
        if self._redis_away_until == 0.0:  # not at each try: a full Redis refuses words and yet answers caches
            memory.outage.begin(error)  # it is one outage for caches and turns, with one warning
            logger.info("Turns are kept in PostgreSQL meanwhile.")
        self._redis_away_until = time.monotonic() + REDIS_RETRY_SECONDS
        await self.close()
        asyncio.get_running_loop().call_later(REDIS_RETRY_SECONDS, self._changed.set)

    async def checkpoint(self, lives: list[LiveTurn]) -> None:
        """Save the words of these turns in their rows; a database that is away is tried again at the next time."""
        lives = [live for live in lives if live.checkpointed < len(live.log.texts)]
        if not lives:
            return
        counts = [(live, len(live.log.texts)) for live in lives]
        try:
            await in_database(services.turns_checkpoint, checkpoints=[live.checkpoint() for live in lives])
        except DatabaseAway as error:
            logger.warning("Words could not be saved: %s", error)
            return
        for live, count in counts:
            live.checkpointed = count

    # --- leases ---

    async def keep_leases(self) -> None:
        """Renew the leases, save the words and hear of wishes to stop, for ever."""
        while True:
            await asyncio.sleep(1.0 if self.redis_away else LEASE_SECONDS)
            running = self.running
            if running:
                await self._renew(running)

    async def _renew(self, running: list[LiveTurn]) -> None:
        try:
            stops = await in_database(
                services.leases_renew, turn_ids=[live.turn_id for live in running], owner=self.owner
            )
        except DatabaseAway as error:
            logger.warning("Leases could not be renewed: %s", error)
            return
        for turn_id in stops:
            if turn_id in self.live:
                self.live[turn_id].stop()
        await self.checkpoint(running)
