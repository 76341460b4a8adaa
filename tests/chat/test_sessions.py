"""At most so many open chats over all processes: the longest idle one makes room, a busy one never does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pytest_django import Settings
from redis import ConnectionError as RedisConnectionError

from apps.accounts import open_sockets
from apps.accounts.models import User
from apps.accounts.open_sockets import Session, Sessions
from apps.accounts.open_sockets_script import COUNTED
from apps.chat import conversation_services, sessions
from apps.chat.models import Conversation
from apps.chat.sessions import CHATS
from apps.core import memory
from apps.core.database import in_database
from apps.llm.providers.scripted import Script, Scripted, numbered
from tests.chat.wire import Wire, words

PATIENCE = 30.0


class Socket:
    """What a consumer is to the sessions."""

    def __init__(self) -> None:
        self.busy = self.paused = self.by_hand = self.has_place = False
        self.session = Session(is_busy=lambda: self.busy, pause=self._pause)

    def _pause(self, by_hand: bool) -> None:
        self.paused, self.by_hand = True, by_hand


@pytest.fixture(autouse=True)
def _room_for_two(settings: Settings) -> None:
    settings.MAX_SESSIONS = 2


@pytest.fixture
async def here() -> AsyncIterator[Sessions]:
    found = Sessions(CHATS)
    yield found
    for session in list(found.open.values()):
        found.leave(session)
    await until(lambda: not found._closing)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.005)


async def entered(place: Sessions, *, idle: float = 0.0, busy: bool = False) -> Socket:
    """A socket that has been open, and idle for so many seconds, and of which Redis knows."""
    socket = Socket()
    socket.has_place = await place.enter(socket.session)
    socket.busy = busy
    socket.session.last -= idle
    await place.beat()
    return socket


async def test_as_long_as_there_is_room_everybody_stays(here: Sessions) -> None:
    sockets = [await entered(here), await entered(here)]
    assert not any(socket.paused for socket in sockets)


async def test_one_more_closes_the_longest_idle_one(here: Sessions) -> None:
    fresh, old = await entered(here, idle=5), await entered(here, idle=60)
    newest = await entered(here)
    await until(lambda: old.paused)
    assert not fresh.paused
    assert not newest.paused


async def test_who_uses_a_chat_keeps_it(here: Sessions) -> None:
    first, second = await entered(here, idle=60), await entered(here, idle=30)
    first.session.touch()
    await here.beat()
    await entered(here)
    await until(lambda: second.paused)
    assert not first.paused


async def test_a_running_answer_is_never_idle(here: Sessions) -> None:
    writing, idle = await entered(here, idle=600, busy=True), await entered(here, idle=1)
    await entered(here)
    await until(lambda: idle.paused)
    assert not writing.paused


async def test_where_all_are_busy_nobody_is_closed(here: Sessions) -> None:
    sockets = [await entered(here, busy=True), await entered(here, busy=True)]
    assert not (await entered(here)).has_place
    assert not any(socket.paused for socket in sockets)


async def test_who_leaves_makes_room(here: Sessions) -> None:
    first, second = await entered(here), await entered(here)
    here.leave(first.session)
    await until(lambda: not here._closing)
    await entered(here)
    assert not second.paused


async def test_who_was_chosen_but_is_used_this_moment_stays(here: Sessions) -> None:
    chosen, other = await entered(here, idle=60), await entered(here)
    chosen.busy = True  # since the last beat
    await entered(here)
    await until(lambda: not here._closing)
    await here.beat()
    assert not chosen.paused
    assert not other.paused
    assert len(here.open) == 3


async def test_all_processes_count_together(here: Sessions) -> None:
    elsewhere = Sessions(CHATS)
    old = await entered(elsewhere, idle=60)
    await entered(here)
    await entered(here)
    assert not old.paused
    await elsewhere.beat()  # should the news get lost
    assert old.paused


async def test_news_reach_the_process_that_holds_the_socket(here: Sessions) -> None:
    elsewhere = Sessions(CHATS)
    old = await entered(elsewhere, idle=60)
    for place in (here, elsewhere):
        place.hear({"owner": elsewhere.owner, "socket": old.session.id})
    assert old.paused


async def test_a_killed_process_holds_no_places(here: Sessions) -> None:
    gone = Sessions(CHATS)
    await entered(gone, idle=60)
    await entered(gone, idle=60)
    memory.ask(lambda redis: redis.zadd(COUNTED, {gone.owner: 1}))  # its lease is over
    first, second = await entered(here), await entered(here)
    assert not first.paused
    assert not second.paused
    assert not memory.ask(lambda redis: redis.exists(f"{COUNTED}:{gone.owner}"))


async def test_when_redis_was_wiped_open_chats_are_put_down_anew(here: Sessions) -> None:
    first, second = await entered(here, idle=9), await entered(here)
    memory.ask(lambda redis: redis.delete(COUNTED, f"{COUNTED}:{here.owner}"))
    await here.beat()
    assert not first.paused
    await entered(here)
    await until(lambda: first.paused)
    assert not second.paused


@pytest.mark.parametrize("busy", [False, True])
async def test_who_left_while_redis_was_away_gives_the_place_back(here: Sessions, *, busy: bool) -> None:
    gone, second = await entered(here, busy=busy), await entered(here, idle=1)
    del here.open[gone.session.id]  # and Redis never heard of it
    await here.beat()
    place = f"{COUNTED}:{here.owner}"
    assert memory.ask(lambda redis: redis.zscore(place, gone.session.id))  # it might just have been opened
    memory.ask(lambda redis: redis.zincrby(place, -20_000, gone.session.id))
    await here.beat()
    await entered(here)
    assert not second.paused


async def test_pictures_and_voices_take_no_chats_place(here: Sessions) -> None:
    beside = Sessions(open_sockets.OTHERS)
    others = [await entered(beside) for _ in range(3)]
    chats = [await entered(here), await entered(here)]
    assert all(socket.has_place for socket in others + chats)
    assert not any(socket.paused for socket in others + chats)
    for socket in others:
        beside.leave(socket.session)
    await until(lambda: not beside._closing)


async def test_without_redis_everybody_may_come(here: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise RedisConnectionError("refused")

    with monkeypatch.context() as patch:
        patch.setattr(memory, "connection", away)
        patch.setattr(memory, "outage", memory.Outage(lambda: None))
        sockets = [await entered(here) for _ in range(5)]
        assert all(socket.has_place for socket in sockets)
        assert await asyncio.to_thread(memory.outage.wait, PATIENCE)
    assert not any(socket.paused for socket in sockets)


# --- at the socket ----------------------------------------------------------------------------------------------------

pytest_database = pytest.mark.django_db(transaction=True)


async def chats(user: User, count: int) -> list[Conversation]:
    return [await in_database(conversation_services.conversation_create, user=user) for _ in range(count)]


@pytest_database
async def test_the_socket_that_makes_room_is_told_so_and_can_come_back(alice: User, model: Scripted) -> None:
    first, second, third = [Wire(alice, chat.id) for chat in await chats(alice, 3)]
    here = sessions.sessions()
    async with first:
        await until(lambda: len(here.open) == 1)
        next(iter(here.open.values())).last -= 60
        async with second:
            await until(lambda: len(here.open) == 2)
            await here.beat()
            await third.__aenter__()
            told = await first.next()
            assert (told["type"], told["code"]) == ("error", "paused")
            assert (await first.next()) == {"type": "closed", "code": 4408}
            await third.ask()
            assert words(await third.to_the_end()) == "".join(numbered(10))
            await third.__aexit__(None, None, None)
    again = Wire(alice, first_chat(first))
    async with again:
        await again.ask()
        assert words(await again.to_the_end()) == "".join(numbered(10))


def first_chat(wire: Wire) -> Any:
    return wire._line.scope["path"].split("/")[3]


@pytest_database
async def test_while_every_chat_is_answered_a_newcomer_is_asked_to_wait(
    alice: User, model: Scripted, settings: Settings
) -> None:
    settings.MAX_SESSIONS = 1
    model.scripts = [Script(tokens=numbered(2000), delay=0.01)]
    first, second = [Wire(alice, chat.id) for chat in await chats(alice, 2)]
    async with first:
        accepted = await first.ask()
        assert (await first.next())["type"] in {"status", "delta"}
        await sessions.sessions().beat()
        async with second:
            told = await second.next()
            assert (told["code"], told["retry_after"]) == ("sessions_full", sessions.RETRY_SECONDS)
            assert (await second.next()) == {"type": "closed", "code": 1013}
        await first.say(type="stop", turn=accepted["turn"])
        assert (await first.to_the_end())[-1]["finish_reason"] == "stopped"


async def test_a_socket_that_was_opened_without_redis_stays_when_it_is_back(
    here: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    await entered(here)

    def away(*_: object) -> None:
        raise memory.MemoryAway("It is away.")

    with monkeypatch.context() as outage:
        outage.setattr(open_sockets, "_open", away)
        socket = await entered(here)
    await here.beat()
    await here.beat()
    assert not socket.paused
    assert socket.session.id in here.open
