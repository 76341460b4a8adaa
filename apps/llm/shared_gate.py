"""One gate for all processes: the line is kept in Redis, and while Redis is away each process keeps one of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from apps.llm.gate import Gate, Ticket
from apps.llm.gate_script import SCRIPT

logger = logging.getLogger(__name__)

AWAY = (RedisError, OSError, TimeoutError)
PATIENCE = 0.25  # seconds that a start may lose to a Redis that hangs, once
RETRY = 2.0
BEAT = 1.0  # seconds between two looks while an answer is inside or waits
LEASE = 4.0  # seconds after which the places of a silent process are given to others
LISTEN_AGAIN = 1.0


def keys(name: str) -> list[str]:
    """Where Redis keeps the line of a gate: who is inside, who waits, the processes and the rounds."""
    return [f"nitro:gate:{name}:{part}" for part in ("inside", "line", "processes", "rounds")]


@dataclass(eq=False)
class _Talk:
    """The conversation with Redis in one event loop."""

    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    redis: Redis | None = None
    keeping: asyncio.Task[None] | None = None
    listening: asyncio.Task[None] | None = None


class SharedGate(Gate):
    """Tells Redis what this process has whenever that changes, and hears where it stands: one round trip.

    A task of its own does the talking, so nobody who is cancelled cuts a command in two. Everything is told anew each
    time: a Redis that was wiped, and a process that was taken for dead, are put right by the next beat. Another process
    says through a channel that the line has moved; where that gets lost, the beat sees it a second later.
    """

    def __init__(self, name: str, limit: int, redis_url: str) -> None:
        super().__init__(limit, shared_out=True)
        self.name = name
        self.alone = False  # whether Redis is away, and this process decides for itself
        self._redis_url = redis_url
        self._process = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._numbers = count(1)
        self._names: dict[Ticket, str] = {}
        self._current: _Talk | None = None

    def leave(self, ticket: Ticket) -> None:
        self._names.pop(ticket, None)
        super().leave(ticket)

    async def close(self) -> None:
        """End the conversation in the running loop; what was inside is free when the lease has ended."""
        talk, self._current = self._current, None
        if talk is None or talk.loop is not asyncio.get_running_loop():
            return
        # Python 3.11 can swallow a cancellation inside of the driver of Redis: ask until both have heard.
        while tasks := [task for task in (talk.keeping, talk.listening) if task is not None and not task.done()]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=PATIENCE)
        await _let_go(talk)

    def _settle(self) -> None:
        if self.alone:
            super()._settle()
        self._talk().changed.set()

    def _talk(self) -> _Talk:
        """The conversation of the running loop, begun where there is none yet."""
        loop = asyncio.get_running_loop()
        if self._current is None or self._current.loop is not loop:
            self._current = _Talk(loop)
            self._current.keeping = loop.create_task(self._keep(self._current))
        return self._current

    async def _keep(self, talk: _Talk) -> None:
        """Tell and hear, for ever."""
        while True:
            await self._occasion(talk)
            talk.changed.clear()
            try:
                await self._tell(talk)
            except AWAY as error:
                self._lose(error)
                await _let_go(talk)
                await asyncio.sleep(RETRY)

    async def _occasion(self, talk: _Talk) -> None:
        """Something has changed, or the lease has to be renewed."""
        if not (self._inside or self._line):
            await talk.changed.wait()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT):
                await talk.changed.wait()

    async def _tell(self, talk: _Talk) -> None:
        tickets = [*self._inside, *self._line]
        arguments: list[str | int] = [self._process, self.limit, int(LEASE * 1000), self._channel]
        for ticket in tickets:
            arguments += [self._named(ticket), int(ticket.inside)]
        if talk.redis is None:
            talk.redis = self._connect()
        async with asyncio.timeout(PATIENCE):
            places: list[int] = await talk.redis.register_script(SCRIPT)(keys=keys(self.name), args=arguments)
        if self.alone:
            logger.warning("Redis is back; all processes share the line for %s again.", self.name)
            self.alone = False
        self._hear(talk, tickets, places)

    def _hear(self, talk: _Talk, tickets: list[Ticket], places: list[int]) -> None:
        for ticket, place in zip(tickets, places, strict=True):
            if ticket not in self._line:  # inside already, or gone since
                continue
            if place:
                ticket.move(place)
            else:
                self._admit(ticket)
        if self._line and talk.listening is None:
            talk.listening = talk.loop.create_task(self._listen(talk))

    def _lose(self, error: BaseException) -> None:
        if not self.alone:
            logger.warning("Redis is away (%s); each process has its own line for %s.", type(error).__name__, self.name)
        self.alone = True
        super()._settle()

    async def _listen(self, talk: _Talk) -> None:
        """Hear from the other processes that the line has moved."""
        while True:
            try:
                await self._listen_once(talk)
            except AWAY:
                logger.debug("The line for %s is not heard of.", self.name)
            await asyncio.sleep(LISTEN_AGAIN)

    async def _listen_once(self, talk: _Talk) -> None:
        async with self._connect() as redis, redis.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(self._channel)
            while True:
                message = await channel.get_message(timeout=BEAT)
                if message is not None and message["data"] != self._process.encode():
                    talk.changed.set()

    def _connect(self) -> Redis:
        return Redis.from_url(
            self._redis_url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )

    def _named(self, ticket: Ticket) -> str:
        if ticket not in self._names:
            number = next(self._numbers)
            self._names[ticket] = f"{time.time_ns() // 1_000_000:015d}:{self._process}:{number:09d}:{ticket.who}"
        return self._names[ticket]

    @property
    def _channel(self) -> str:
        return f"nitro:gate:{self.name}"


async def _let_go(talk: _Talk) -> None:
    """A connection whose command came to nothing is never used again."""
    redis, talk.redis = talk.redis, None
    if redis is not None:
        with suppress(*AWAY):
            async with asyncio.timeout(PATIENCE):
                await redis.aclose()
