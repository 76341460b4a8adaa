"""Who is here, in all processes, and an administrator's closing of one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from apps.accounts import open_sockets, presence
from apps.accounts.open_sockets import OTHERS, About, Session, Sessions
from apps.chat.sessions import CHATS
from apps.core import memory
from tests.chat.test_sessions import Socket, until


async def over(place: Sessions) -> None:
    for session in list(place.open.values()):
        place.leave(session)
    await until(lambda: not place._closing)


@pytest.fixture
async def here() -> AsyncIterator[Sessions]:
    found = Sessions(CHATS)
    yield found
    await over(found)


@pytest.fixture
async def beside() -> AsyncIterator[Sessions]:
    """Sockets that need no place."""
    found = Sessions(OTHERS)
    yield found
    await over(found)


async def entered(place: Sessions, *, user: int = 7, busy: bool = False, kind: str = "chat") -> Socket:
    socket = Socket()
    about = About(user, "chat" if kind == "chat" else "", "192.0.2.7", kind)
    socket.session = Session(is_busy=lambda: socket.busy, pause=socket._pause, about=about)
    await place.enter(socket.session)
    socket.busy = busy
    await until(lambda: not place._closing)
    await place.beat()
    return socket


async def test_open_chats_of_all_processes_are_seen(here: Sessions) -> None:
    elsewhere = Sessions(CHATS)
    idle, writing = await entered(here, user=7), await entered(elsewhere, user=8, busy=True)
    found = {one.user_id: one for one in presence.live().shown}
    assert set(found) == {7, 8}
    assert (found[7].socket, found[7].holder, found[7].address) == (idle.session.id, here.owner, "192.0.2.7")
    assert found[7].idle is not None
    assert found[8].idle is None
    assert found[8].since is not None
    elsewhere.leave(writing.session)
    await until(lambda: not elsewhere._closing)
    assert presence.live().count == 1


async def test_sockets_of_other_kinds_are_seen_and_are_no_chats(here: Sessions, beside: Sessions) -> None:
    await entered(here)
    await entered(beside, user=8, kind="voice", busy=True)
    await entered(beside, user=9, kind="pictures")
    found = presence.live()
    assert (found.count, found.chats) == (3, 1)
    assert {(one.user_id, one.kind, one.conversation) for one in found.shown} == {
        (7, "chat", "chat"), (8, "voice", ""), (9, "pictures", ""),
    }  # fmt: skip


async def test_what_nothing_is_known_of_yet_is_seen_all_the_same(beside: Sessions) -> None:
    await entered(beside, kind="voice")
    memory.ask(lambda redis: redis.delete(f"{OTHERS.name}:{beside.owner}:about"))
    assert [(one.kind, one.user_id, one.since) for one in presence.live().shown] == [("", 0, None)]


async def test_after_a_wiped_redis_it_is_known_again_whose_they_are(here: Sessions, beside: Sessions) -> None:
    await entered(here)
    await entered(beside, user=8, kind="pictures")
    memory.ask(lambda redis: redis.flushdb())
    await here.beat()
    await beside.beat()
    assert {one.user_id for one in presence.live().shown} == {7, 8}


async def test_closing_reaches_the_process_that_holds_it_though_the_news_is_lost(here: Sessions) -> None:
    idle, writing, stays = await entered(here), await entered(here, busy=True), await entered(here)
    for socket in (idle, writing):
        assert presence.close(holder=here.owner, socket=socket.session.id)
    await here.beat()
    assert idle.by_hand
    assert writing.by_hand  # also in the middle of an answer
    assert not stays.paused
    await until(lambda: not here._closing)
    assert presence.live().count == 1


async def test_a_socket_without_a_place_is_closed_like_any_other(beside: Sessions) -> None:
    speaking, stays = await entered(beside, kind="voice", busy=True), await entered(beside, kind="voice")
    assert presence.close(holder=beside.owner, socket=speaking.session.id)
    await beside.beat()
    assert speaking.by_hand
    assert not stays.paused


async def test_news_close_at_once_in_every_room() -> None:
    for room in (CHATS, OTHERS):
        place = open_sockets.sessions(room)
        socket = await entered(place, busy=True)
        open_sockets.hear({"owner": place.owner, "socket": socket.session.id, "by_hand": True})
        assert socket.by_hand
        await over(place)


async def test_what_is_gone_cannot_be_closed(here: Sessions) -> None:
    await entered(here)
    assert not presence.close(holder=here.owner, socket="nobody")
    assert not presence.close(holder="nobody", socket="nobody")
