"""Reads a turn that runs, or ran, somewhere else: from its log in Redis, and from its row where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any
from uuid import UUID

from redis.asyncio import Redis

from apps.chat import logstore, selectors
from apps.chat.logstore import RedisAway, Stored
from apps.chat.measured import Context
from apps.chat.models import Turn
from apps.chat.turnlog import Delta, End, Item, Patches, Thought
from apps.core.database import in_database
from apps.core.errors import DatabaseAway

BLOCK_MILLISECONDS = 1000
WITHOUT_REDIS_SECONDS = 0.5


async def follow(turn: Turn, after: int, *, html: bool) -> AsyncGenerator[Item, None]:
    """Everything after `seq` = `after`, then live, to the end: the same items that the log in memory gives.

    `turn` is a fresh row with its answer. The end comes whatever `after` is: who heard words that a crash has swallowed
    asks for more than there is.
    """
    texts: list[str] = []
    patches = Patches(turn.answer.text[: turn.base_length]) if html else None
    async with aclosing(_items(turn)) as items:
        async for item in items:
            if isinstance(item, Delta):
                texts.append(item.text)
                if item.seq > after:
                    yield Delta(item.seq, item.text, patches.at(item.seq, texts) if patches else None)
            elif isinstance(item, End):
                yield End(item.seq, item.done, item.error, patches.last(texts) if patches else None)
            elif isinstance(item, Thought) or not after:
                yield item


async def _items(turn: Turn) -> AsyncGenerator[Item, None]:
    """All items of a turn from the first on: from its row once it has ended, else from Redis, or the row in need."""
    if turn.state != Turn.State.RUNNING:
        for item in items_of(turn, after=0):
            yield item
        return
    redis = logstore.connect(timeout=BLOCK_MILLISECONDS / 1000 + 1)
    try:
        async with aclosing(_live_items(redis, turn.id)) as items:
            async for item in items:
                yield item
    finally:
        await redis.aclose()


async def _live_items(redis: Redis, turn_id: UUID) -> AsyncGenerator[Item, None]:
    stored, seen, first = Stored(), 0, True
    while True:
        found = await _from_redis(redis, turn_id, stored, after=seen, milliseconds=0 if first else BLOCK_MILLISECONDS)
        items = found.items if found is not None else []
        if not any(isinstance(item, Delta | End) for item in items):
            items = [*items, *await _from_row(turn_id, after=seen)]
        for item in items:
            yield item
            if isinstance(item, End):
                return
            seen = item.seq if isinstance(item, Delta) else seen
        if found is None:
            await asyncio.sleep(WITHOUT_REDIS_SECONDS)
        stored, first = found or stored, False


async def _from_redis(redis: Redis, turn_id: UUID, stored: Stored, *, after: int, milliseconds: int) -> Stored | None:
    """What comes next, waiting up to the given time for it (0: not at all); None where Redis is away."""
    try:
        if not milliseconds:
            return await logstore.read(redis, turn_id, after=after)
        return await logstore.wait(redis, turn_id, stored, after=after, milliseconds=milliseconds)
    except RedisAway:
        return None


async def _from_row(turn_id: UUID, *, after: int) -> list[Item]:
    """What the row has after delta `after`: the rest of the words, cut as they were, and the end if it is over."""
    try:
        turn = await in_database(selectors.turn_row, turn_id=turn_id)
    except DatabaseAway:
        return []
    return items_of(turn, after=after) if turn is not None else []


def items_of(turn: Turn, *, after: int) -> list[Item]:
    """The items of a turn as its row tells them."""
    spoken = turn.answer.text[turn.base_length :]
    marks = [0, *turn.marks]
    thoughts: list[Item] = [Thought(0, turn.answer.reasoning)] if turn.answer.reasoning and not after else []
    items = thoughts + [Delta(seq, spoken[marks[seq - 1] : marks[seq]]) for seq in range(after + 1, len(marks))]
    if turn.state != Turn.State.RUNNING:
        items.append(End(len(marks), done_fields(turn), error_fields(turn)))
    return items


def done_fields(turn: Turn) -> dict[str, Any]:
    """The fields of the `done` frame, from the row."""
    done: dict[str, Any] = {
        "finish_reason": turn.finish_reason,
        "usage": {"prompt_tokens": turn.prompt_tokens, "completion_tokens": turn.completion_tokens},
        "timing": {
            "queued_ms": turn.queued_ms,
            "first_token_ms": turn.first_token_ms,
            "total_ms": turn.total_ms,
            "tokens_per_second": turn.tokens_per_second,
        },
        "cached": turn.cached,
        "provider": turn.provider,
        "model": turn.model,
    }
    more: dict[str, Any] = {
        "fallback_from": turn.fallback_from,
        "fallback_reason": turn.fallback_reason,
        "dropped_messages": turn.dropped_messages,
        "tool_calls": turn.answer.tool_calls,
    }
    if turn.context_tokens is not None and turn.context_window is not None:
        more["context"] = Context(turn.context_tokens, turn.context_window).as_json()
    return done | {name: value for name, value in more.items() if value}


def error_fields(turn: Turn) -> dict[str, Any] | None:
    if not turn.error_code:
        return None
    return {"code": turn.error_code, "message": turn.error_message, "hint": turn.error_hint}


def words_of(items: Iterable[Item]) -> list[str]:
    """The texts of the deltas among some items."""
    return [item.text for item in items if isinstance(item, Delta)]
