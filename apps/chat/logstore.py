"""Turn logs in Redis, so that a turn can be read from any process and survives the one that runs it.

A stream `nitro:turn:<id>` holds batches of deltas: the entry `<seq of the last delta>-0` has the fields `f` (seq of
the first one) and `d` (their texts as JSON). `<seq>-<n>` with n > 0 is a status (`s`), and the end is an entry with
the field `e`. While a turn runs the key has no time to live, so that Redis never evicts it; afterwards the row in
PostgreSQL is the truth, and the key expires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from apps.chat.turnlog import Delta, End, Item, Status

KEPT_SECONDS = 600
RedisAway = (RedisError, OSError, TimeoutError)
StreamEntry = tuple[bytes, dict[bytes, bytes]]


@dataclass(slots=True)
class Unwritten:
    """What of one turn is not in Redis yet."""

    turn_id: UUID
    first: int
    texts: Sequence[str]
    status: Status | None = None
    status_number: int = 0
    end: End | None = None


@dataclass(slots=True)
class Stored:
    """What was read of a stream: its items in order, and the id to read on from."""

    items: list[Item] = field(default_factory=list)
    last_id: str = "0-0"


def connect(*, timeout: float = 0.5) -> Redis:
    """A client of its own: commands in it are never cancelled half-way by somebody else's timeout."""
    return Redis.from_url(settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=timeout)


def key(turn_id: UUID | str) -> str:
    return f"nitro:turn:{turn_id}"


async def write(redis: Redis, unwritten: Iterable[Unwritten]) -> None:
    """Append everything in one round trip; entries that are there already are left alone.

    Raises one of `RedisAway`.
    """
    pipeline = redis.pipeline(transaction=False)
    for item in unwritten:
        last = item.first + len(item.texts) - 1
        name = key(item.turn_id)
        if item.status is not None:
            status = orjson.dumps([item.status.state, item.status.position, item.status.total])
            pipeline.xadd(name, {b"s": status}, id=f"{item.first - 1}-{item.status_number}")
        if item.texts:
            pipeline.xadd(name, {b"f": item.first, b"d": orjson.dumps(item.texts)}, id=f"{last}-0")
        if item.end is not None:
            end = orjson.dumps([item.end.done, item.end.error])
            pipeline.xadd(name, {b"e": end}, id=f"{item.end.seq}-0")
            pipeline.expire(name, KEPT_SECONDS)
    # An id that is not newer means that the entry arrived although its confirmation did not.
    for answer in await pipeline.execute(raise_on_error=False):
        if isinstance(answer, RedisError) and "equal or smaller" not in str(answer):
            raise answer


async def read(redis: Redis, turn_id: UUID, *, after: int) -> Stored:
    """All that is stored after delta `after`. Raises one of `RedisAway`."""
    entries: Any = await redis.xrange(key(turn_id), min=f"{after + 1}-0" if after else "-")
    heed_cancellation()
    return parse(entries, after=after)


async def wait(redis: Redis, turn_id: UUID, stored: Stored, *, after: int, milliseconds: int) -> Stored:
    """What comes next, or nothing after the given time. Raises one of `RedisAway`."""
    answer: Any = await redis.xread({key(turn_id): stored.last_id}, block=milliseconds)
    heed_cancellation()
    return parse(answer[0][1] if answer else [], after=after, last_id=stored.last_id)


def heed_cancellation() -> None:
    """End a reader that was cancelled meanwhile, so that nobody goes on beside the one that took its place.

    redis-py sends through `asyncio.wait_for`, which on Python 3.11 swallows a cancellation that comes in the moment in
    which its work is done (bpo-42130).
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def parse(entries: Sequence[StreamEntry], *, after: int, last_id: str = "0-0") -> Stored:
    """Translate stream entries; whatever does not follow `after` without a gap is left out."""
    stored = Stored(last_id=last_id)
    seen = after
    for entry_id, fields in entries:
        stored.last_id = entry_id.decode()
        if b"s" in fields and not seen:
            stored.items.append(Status(*orjson.loads(fields[b"s"])))
        elif b"d" in fields:
            first = int(fields[b"f"])
            if first > seen + 1:
                return stored
            texts = orjson.loads(fields[b"d"])[seen + 1 - first :]
            stored.items += [Delta(seen + number, text) for number, text in enumerate(texts, 1)]
            seen += len(texts)
        elif b"e" in fields:
            done, error = orjson.loads(fields[b"e"])
            seq = int(entry_id.split(b"-")[0])
            if seq == seen + 1:
                stored.items.append(End(seq, done, error))
    return stored
