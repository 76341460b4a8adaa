"""The keeping of running turns: their words are stored elsewhere within a blink, with Redis or without it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from redis import ConnectionError as RedisConnectionError
from redis.asyncio import Redis

from apps.accounts.models import User
from apps.chat import logstore, running, services
from apps.chat.models import Conversation, Message, Turn
from apps.chat.running import LiveTurn, RunningTurns
from apps.chat.turnlog import Status, TurnLog
from apps.core import memory
from apps.core.database import in_database
from apps.core.errors import DatabaseAway
from apps.core.memory import MemoryAway, Outage
from tests.chat.cast import HERE, begun, text_of
from tests.llm.asking import until

pytestmark = pytest.mark.django_db(transaction=True)
NOWHERE = "redis://127.0.0.1:9/0"


@pytest.fixture
async def turns() -> AsyncIterator[RunningTurns]:
    keeper = RunningTurns(place="machine/1/", incarnation="first")
    yield keeper
    await keeper.close()


@pytest.fixture
def live(conversation: Conversation) -> LiveTurn:
    turn = begun(conversation).turn
    return LiveTurn(turn.id, conversation.id, turn.answer_id, conversation.owner_id, TurnLog(turn.id))


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logstore, "connect", lambda: Redis.from_url(NOWHERE, socket_connect_timeout=0.5))


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Whether Redis is away for those who look for the end of an outage; it is until this is cleared."""
    away = threading.Event()
    away.set()
    outage = Outage(lambda: refuse(memory.connection()) if away.is_set() else None)
    monkeypatch.setattr(memory, "PAUSES", (0.01,))
    monkeypatch.setattr(memory, "LATER_PAUSE", 0.01)
    monkeypatch.setattr(memory, "outage", outage)
    yield away
    away.clear()
    assert outage.wait(30)


def refuse(redis: object) -> None:
    raise RedisConnectionError("refused")


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def stored(live: LiveTurn) -> str:
    redis = logstore.connect(timeout=5)
    try:
        return text_of((await logstore.read(redis, live.turn_id, after=0)).items)
    finally:
        await redis.aclose()


async def is_stored(live: LiveTurn, text: str) -> bool:
    return await stored(live) == text


async def saved(live: LiveTurn) -> str:
    return (await in_database(Message.objects.get, id=live.answer_id)).text


async def test_words_are_stored_in_redis_and_only_once(turns: RunningTurns, live: LiveTurn) -> None:
    for word in ("One ", "two "):
        live.log.append(word)
        turns.touch(live)
        await turns.flush()
    assert await stored(live) == "One two "
    assert live.written == 2
    assert live.unwritten().texts == []


async def test_a_status_is_stored_until_there_are_words(turns: RunningTurns, live: LiveTurn) -> None:
    live.log.set_status(Status("reading"))
    assert live.unwritten().status == Status("reading")
    live.mark_written(live.unwritten())
    assert live.unwritten().status is None


async def test_the_keeping_stores_what_is_touched(turns: RunningTurns, live: LiveTurn) -> None:
    keeping = asyncio.ensure_future(turns.keep_writing())
    live.log.append("Hello")
    turns.touch(live)
    await until(lambda: is_stored(live, "Hello"))
    keeping.cancel()


@pytest.mark.usefixtures("no_redis")
async def test_without_redis_words_are_saved_in_the_row(turns: RunningTurns, live: LiveTurn) -> None:
    live.log.append("Hello")
    turns.touch(live)
    await turns.flush()
    assert turns.redis_away
    assert await saved(live) == "Hello"
    assert (await in_database(Turn.objects.get, id=live.turn_id)).marks == [5]


@pytest.mark.usefixtures("no_redis")
async def test_an_outage_is_one_for_turns_and_caches(
    turns: RunningTurns, live: LiveTurn, away: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    live.log.append("Hello")
    turns.touch(live)
    await turns.flush()
    with pytest.raises(MemoryAway):
        await memory.asked(memory.ask, refuse)
    assert len(warnings_in(caplog)) == 1


@pytest.mark.usefixtures("no_redis")
async def test_a_redis_that_takes_no_words_and_yet_answers_is_warned_of_once(
    turns: RunningTurns,
    live: LiveTurn,
    away: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(running, "REDIS_RETRY_SECONDS", 0.0)
    away.clear()
    for word in ("One ", "two "):
        live.log.append(word)
        turns.touch(live)
        await turns.flush()
        assert await asyncio.to_thread(memory.outage.wait, 30)
    assert len(warnings_in(caplog)) == 1


async def test_when_redis_is_back_it_gets_all_it_missed(
    turns: RunningTurns, live: LiveTurn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "REDIS_RETRY_SECONDS", 0.0)
    with monkeypatch.context() as away:
        away.setattr(logstore, "connect", lambda: Redis.from_url(NOWHERE, socket_connect_timeout=0.5))
        live.log.append("One ")
        turns.touch(live)
        await turns.flush()
    live.log.append("two")
    await turns.flush()
    assert await stored(live) == "One two"
    assert not turns.redis_away


async def test_an_end_that_redis_missed_reaches_a_log_that_was_begun(
    turns: RunningTurns, live: LiveTurn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "REDIS_RETRY_SECONDS", 0.0)
    live.log.append("One ")
    turns.touch(live)
    await turns.flush()
    await turns.close()
    with monkeypatch.context() as away:
        away.setattr(logstore, "connect", lambda: Redis.from_url(NOWHERE, socket_connect_timeout=0.5))
        live.log.finish({"finish_reason": "stop"})
        turns.touch(live)
        await turns.flush()
    await turns.flush()
    assert live.end_written


@pytest.mark.usefixtures("no_redis")
async def test_a_turn_that_ended_while_redis_was_away_is_not_kept_for_it(turns: RunningTurns, live: LiveTurn) -> None:
    live.log.finish({"finish_reason": "stop"})
    turns.touch(live)
    await turns.flush()
    assert not turns._dirty


@pytest.mark.usefixtures("no_redis")
async def test_neither_redis_nor_database_is_no_end_of_the_keeping(
    turns: RunningTurns, live: LiveTurn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: object) -> None:
        raise DatabaseAway("The database does not answer.")

    with monkeypatch.context() as broken:
        broken.setattr(services, "turns_checkpoint", away)
        live.log.append("Hello")
        turns.touch(live)
        await turns.flush()
    await turns.flush()
    assert await saved(live) == "Hello"


async def test_a_checkpoint_is_not_written_twice(
    turns: RunningTurns, live: LiveTurn, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.log.append("Hello")
    await turns.checkpoint([live])
    monkeypatch.setattr(services, "turns_checkpoint", None)
    await turns.checkpoint([live])
    assert live.checkpointed == 1


async def test_renewing_the_leases_hears_of_wishes_to_stop(turns: RunningTurns, live: LiveTurn, alice: User) -> None:
    turns.add(live)
    live.producer = asyncio.ensure_future(asyncio.sleep(60))
    stop = {"conversation_id": live.conversation_id, "turn_id": live.turn_id}
    await in_database(services.turn_request_stop, user=alice, **stop)
    await turns._renew(turns.running)
    assert live.stopping == "stopped"
    with pytest.raises(asyncio.CancelledError):
        await live.producer


async def test_the_second_wish_to_stop_changes_nothing(live: LiveTurn) -> None:
    live.stop("stopped")
    live.stop("interrupted")
    assert live.stopping == "stopped"


async def test_a_turn_that_ended_is_not_running(turns: RunningTurns, live: LiveTurn) -> None:
    turns.add(live)
    assert turns.running == [live]
    live.log.finish({})
    assert turns.running == []


def test_an_owner_is_a_place_and_an_incarnation(live: LiveTurn) -> None:
    assert RunningTurns(place="machine/1/", incarnation="first").owner == HERE
    assert RunningTurns().owner != RunningTurns().owner
    assert RunningTurns().place == RunningTurns().place
