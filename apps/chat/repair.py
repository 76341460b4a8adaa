"""Ends the turns of processes that died, with every word that can be found."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from uuid import UUID

from django.utils import timezone
from redis.asyncio import Redis

from apps.chat import logstore, markdown, selectors, services
from apps.chat.logstore import RedisAway
from apps.chat.models import Turn
from apps.chat.replay import words_of
from apps.chat.running import RunningTurns
from apps.chat.selectors import Orphan
from apps.core.database import in_database
from apps.core.errors import DatabaseAway

logger = logging.getLogger(__name__)
SWEEP_SECONDS = 4.0
GRACE_SECONDS = services.LEASE.total_seconds() + 5


async def keep_repairing(running: RunningTurns) -> None:
    """Look for orphaned turns at once and every few seconds, for ever.

    After the database was away nobody could renew a lease: everybody gets the time to do so first.
    """
    quiet_until = 0.0
    while True:
        if time.monotonic() >= quiet_until:
            try:
                await sweep(running)
            except DatabaseAway as error:
                logger.warning("Orphaned turns could not be looked for: %s", error)
                quiet_until = time.monotonic() + GRACE_SECONDS
        await asyncio.sleep(SWEEP_SECONDS)


async def sweep(running: RunningTurns) -> int:
    """Repair all orphans there are now; returns how many."""
    orphans = await in_database(
        selectors.orphans, now=timezone.now(), place=running.place, incarnation=running.incarnation
    )
    orphans = [orphan for orphan in orphans if orphan.turn_id not in running.live]
    if not orphans:
        return 0
    redis = logstore.connect()
    try:
        return sum([await _repair(redis, orphan) for orphan in orphans])
    finally:
        await redis.aclose()


async def _repair(redis: Redis, orphan: Orphan) -> bool:
    texts = await _stored_words(redis, orphan.turn_id)
    ended = await in_database(_interrupt, orphan, texts)
    if ended:
        await _let_expire(redis, orphan.turn_id)
        logger.warning("The turn %s was interrupted; %d deltas of it were kept.", orphan.turn_id, len(texts))
    return ended


async def _stored_words(redis: Redis, turn_id: UUID) -> list[str]:
    try:
        return words_of((await logstore.read(redis, turn_id, after=0)).items)
    except RedisAway:
        return []


async def _let_expire(redis: Redis, turn_id: UUID) -> None:
    """The row is the truth now; a log that cannot be reached is left to the hourly cleanup."""
    with contextlib.suppress(*RedisAway):
        await redis.expire(logstore.key(turn_id), logstore.KEPT_SECONDS)


def _interrupt(orphan: Orphan, texts: list[str]) -> bool:
    turn = selectors.turn_row(turn_id=orphan.turn_id)
    if turn is None:
        return False
    base, spoken = turn.answer.text[: turn.base_length], turn.answer.text[turn.base_length :]
    marks = turn.marks
    logged = "".join(texts)
    if len(logged) >= len(spoken):
        spoken, marks = logged, _marks(texts)
    outcome = services.Outcome(
        state=Turn.State.INTERRUPTED,
        finish_reason="interrupted",
        text=base + spoken,
        html=markdown.render(base + spoken),
        html_version=markdown.VERSION,
        reasoning=turn.answer.reasoning,
        tool_calls=turn.answer.tool_calls,
        marks=marks,
        columns={"completion_tokens": None},
    )
    return services.turn_interrupt(orphan=orphan, outcome=outcome)


def _marks(texts: list[str]) -> list[int]:
    marks, end = [], 0
    for text in texts:
        end += len(text)
        marks.append(end)
    return marks
