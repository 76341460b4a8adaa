"""Who has a chat open, in all processes, and an administrator's closing of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from apps.accounts.models import User
from apps.chat import presence, services, sessions
from apps.chat.sessions import About, Session, Sessions
from apps.core import memory
from apps.core.database import in_database
from apps.llm.providers.scripted import Script, Scripted, numbered
from tests.chat.test_sessions import Socket, until
from tests.chat.wire import Wire, words


@pytest.fixture
async def here() -> AsyncIterator[Sessions]:
    found = Sessions()
    yield found
    for session in list(found.open.values()):
        found.leave(session)
    await until(lambda: not found._closing)


async def entered(place: Sessions, *, user: int = 7, busy: bool = False) -> Socket:
    socket = Socket()
    socket.session = Session(is_busy=lambda: socket.busy, pause=socket._pause, about=About(user, "chat", "192.0.2.7"))
    await place.enter(socket.session)
    socket.busy = busy
    await until(lambda: not place._closing)
    await place.beat()
    return socket


async def test_open_chats_of_all_processes_are_seen(here: Sessions) -> None:
    elsewhere = Sessions()
    idle, writing = await entered(here, user=7), await entered(elsewhere, user=8, busy=True)
    found = {one.user_id: one for one in presence.live().shown}
    assert set(found) == {7, 8}
    assert (found[7].socket, found[7].holder, found[7].address) == (idle.session.id, here.owner, "192.0.2.7")
    assert found[7].idle is not None
    assert found[8].idle is None
    assert found[8].since is not None
    elsewhere.leave(writing.session)
    await until(lambda: not elsewhere._closing)
    assert presence.count() == 1


async def test_after_a_wiped_redis_it_is_known_again_whose_they_are(here: Sessions) -> None:
    await entered(here)
    memory.ask(lambda redis: redis.flushdb())
    await here.beat()
    assert [one.user_id for one in presence.live().shown] == [7]


async def test_closing_reaches_the_process_that_holds_it_though_the_news_is_lost(here: Sessions) -> None:
    idle, writing, stays = await entered(here), await entered(here, busy=True), await entered(here)
    for socket in (idle, writing):
        assert presence.close(holder=here.owner, socket=socket.session.id)
    await here.beat()
    assert idle.by_hand
    assert writing.by_hand  # also in the middle of an answer
    assert not stays.paused
    await until(lambda: not here._closing)
    assert presence.count() == 1


async def test_news_of_it_close_at_once(here: Sessions) -> None:
    socket = await entered(here, busy=True)
    here.hear({"owner": here.owner, "socket": socket.session.id, "by_hand": True})
    assert socket.by_hand


async def test_what_is_gone_cannot_be_closed(here: Sessions) -> None:
    await entered(here)
    assert not presence.close(holder=here.owner, socket="nobody")
    assert not presence.close(holder="nobody", socket="nobody")


@pytest.mark.django_db(transaction=True)
async def test_a_chat_that_is_closed_says_so_and_its_answer_goes_on(alice: User, model: Scripted) -> None:
    model.scripts = [Script(tokens=numbered(40), delay=0.02)]
    chat = await in_database(services.conversation_create, user=alice)
    wire = Wire(alice, chat.id)
    async with wire:
        accepted = await wire.ask()
        place = sessions.sessions()
        await until(lambda: any(one.about.user == alice.pk for one in place.open.values()))
        session = next(one for one in place.open.values() if one.about.user == alice.pk)
        assert session.about.conversation == str(chat.id)
        presence.close(holder=place.owner, socket=session.id)
        await place.beat()
        told = await wire.next()
        while told["type"] != "error":
            told = await wire.next()
        assert told["message"].startswith("An administrator closed")
        assert await wire.next() == {"type": "closed", "code": 4408}
    again = Wire(alice, chat.id)
    async with again:
        await again.say(type="attach", turn=accepted["turn"], after=0)
        assert words(await again.to_the_end()) == "".join(numbered(40))
    await asyncio.sleep(0)
