"""Ending the turns of dead processes: every word that can be found is kept, and it happens once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.utils import timezone
from redis.asyncio import Redis

from apps.chat import logstore, repair, selectors, services
from apps.chat.logstore import Unwritten
from apps.chat.models import Conversation, Turn
from apps.chat.running import LiveTurn, RunningTurns
from apps.chat.services import Checkpoint
from apps.chat.turnlog import TurnLog
from apps.core.database import in_database
from apps.core.errors import DatabaseAway
from tests.chat.cast import HERE, answered, begun, request
from tests.llm.asking import until

pytestmark = pytest.mark.django_db(transaction=True)
SUCCESSOR = RunningTurns(place="machine/1/", incarnation="second")
STRANGER = RunningTurns(place="machine/2/", incarnation="first")


@pytest.fixture
def turn(conversation: Conversation) -> Turn:
    """A running turn whose process is gone."""
    return begun(conversation).turn


async def logged(redis: Redis, turn: Turn, words: Sequence[str]) -> None:
    await logstore.write(redis, [Unwritten(turn.id, 1, words)])


async def checkpointed(turn: Turn, text: str, marks: Sequence[int]) -> None:
    point = Checkpoint(turn.id, text, marks)
    await in_database(services.turns_checkpoint, checkpoints=[point])


async def now(turn: Turn) -> Turn:
    row = await in_database(selectors.turn_row, turn_id=turn.id)
    assert row is not None
    return row


async def test_the_successor_ends_what_its_predecessor_left(turn: Turn, redis: Redis) -> None:
    await logged(redis, turn, ["One ", "two "])
    assert await repair.sweep(SUCCESSOR) == 1
    row = await now(turn)
    assert (row.state, row.finish_reason) == (Turn.State.INTERRUPTED, "interrupted")
    assert (row.answer.text, row.marks) == ("One two ", [4, 8])
    assert "One two" in row.answer.html
    assert 0 < await redis.ttl(logstore.key(turn.id)) <= logstore.KEPT_SECONDS


async def test_a_stranger_waits_for_the_end_of_the_lease(turn: Turn) -> None:
    assert await repair.sweep(STRANGER) == 0
    await in_database(Turn.objects.update, lease_until=timezone.now() - timedelta(seconds=1))
    assert await repair.sweep(STRANGER) == 1
    assert (await now(turn)).state == Turn.State.INTERRUPTED


async def test_the_row_wins_where_it_has_more_words(turn: Turn, redis: Redis) -> None:
    await logged(redis, turn, ["One "])
    await checkpointed(turn, "One two three", [4, 8, 13])
    await repair.sweep(SUCCESSOR)
    row = await now(turn)
    assert (row.answer.text, row.marks) == ("One two three", [4, 8, 13])


async def test_the_log_wins_where_it_has_more_words(turn: Turn, redis: Redis) -> None:
    await checkpointed(turn, "One ", [4])
    await logged(redis, turn, ["One ", "two "])
    await repair.sweep(SUCCESSOR)
    assert (await now(turn)).answer.text == "One two "


async def test_without_redis_the_row_alone_counts(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    await checkpointed(turn, "One ", [4])
    nowhere = "redis://127.0.0.1:9/0"
    monkeypatch.setattr(logstore, "connect", lambda: Redis.from_url(nowhere, socket_connect_timeout=0.5))
    assert await repair.sweep(SUCCESSOR) == 1
    assert (await now(turn)).answer.text == "One "


async def test_what_stood_there_before_a_continuation_stays(conversation: Conversation, redis: Redis) -> None:
    first = await in_database(answered, conversation, "Hi", "Good ")
    begun_again = await in_database(services.turn_continue, request=request(conversation), turn_id=first.id)
    await logged(redis, begun_again.turn, ["day", "!"])
    await repair.sweep(SUCCESSOR)
    row = await now(begun_again.turn)
    assert (row.answer.text, row.marks) == ("Good day!", [3, 4])


async def test_an_interrupted_turn_can_be_continued(conversation: Conversation, turn: Turn) -> None:
    await repair.sweep(SUCCESSOR)
    again = await in_database(services.turn_continue, request=request(conversation), turn_id=turn.id)
    assert again.created


async def test_many_repairers_end_a_turn_once(turn: Turn) -> None:
    sweeps = [repair.sweep(RunningTurns(place="machine/1/", incarnation=f"i{n}")) for n in range(5)]
    assert sum(await asyncio.gather(*sweeps)) == 1


async def test_ones_own_turns_are_never_orphans(turn: Turn) -> None:
    await in_database(Turn.objects.update, lease_until=timezone.now() - timedelta(seconds=1))
    myself = RunningTurns(place="machine/1/", incarnation="first")
    myself.add(LiveTurn(turn.id, turn.conversation_id, turn.answer_id, 1, TurnLog(turn.id)))
    assert myself.owner == HERE
    assert await repair.sweep(myself) == 0


async def test_after_the_database_was_away_everybody_may_renew_first(
    turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps: list[RunningTurns] = []

    async def away(running: RunningTurns) -> int:
        sweeps.append(running)
        raise DatabaseAway("The database does not answer.")

    monkeypatch.setattr(repair, "sweep", away)
    monkeypatch.setattr(repair, "SWEEP_SECONDS", 0.001)
    keeping = asyncio.ensure_future(repair.keep_repairing(SUCCESSOR))
    await until(lambda: bool(sweeps))
    await asyncio.sleep(0.1)  # time for a hundred more
    keeping.cancel()
    assert len(sweeps) == 1
