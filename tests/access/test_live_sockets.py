"""Every websocket there is stands in the administrator's list of live sessions, and can be closed from there."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import Any

import pytest
from django.apps import apps

from apps.accounts import open_sockets, presence
from apps.accounts.presence import Live
from apps.chat.sessions import CHATS
from apps.core.database import in_database
from apps.images import hearing
from tests.access.table import Row
from tests.access.test_sockets import Socket, handshake
from tests.access.world import world

SOCKET = Row("socket", "get", (0,) * 6, scope="chat")
PATIENCE = 30.0
pytestmark = pytest.mark.django_db(transaction=True)


def addresses() -> list[str]:
    """The websocket addresses of all apps."""
    names = [f"{app.name}.routing" for app in apps.get_app_configs() if app.name.startswith("apps.")]
    routings: list[Any] = [importlib.import_module(name) for name in names if find_spec(name)]
    return [f"/{pattern.pattern}" for routing in routings for pattern in routing.websocket_urlpatterns]


@pytest.fixture(autouse=True)
async def ears() -> AsyncIterator[None]:
    """Whatever listens has ended when the test has."""
    yield
    await hearing.ears().end()


async def opened(address: str) -> Socket:
    names = await in_database(world)
    path = address.replace("<uuid:conversation_id>", str(names.names["conversation_id"]))
    socket = Socket(await in_database(handshake, "owner", SOCKET, path))
    assert (await socket.opened())["type"] == "websocket.accept"
    return socket


async def seen(count: int) -> list[Live]:
    """The list once it is so long, and all of it is described."""
    async with asyncio.timeout(PATIENCE):
        while len(found := presence.live().shown) != count or not all(one.since for one in found):
            await asyncio.sleep(0.01)
    return found


async def heard_until_closed(socket: Socket) -> list[dict[str, Any]]:
    heard = [await socket.hear()]
    while "closed" not in heard[-1]:
        heard.append(await socket.hear())
    return heard


def test_there_are_three_kinds_of_sockets() -> None:
    assert len(set(addresses())) >= 3


@pytest.mark.parametrize("address", addresses())
async def test_who_is_signed_in_is_seen_and_gone_when_they_leave(address: str) -> None:
    socket = await opened(address)
    (one,) = await seen(1)
    assert one.kind == {"chat": "chat", "voice": "voice", "images": "pictures"}[address.split("/")[2]]
    assert one.user_id
    await socket.close()
    await seen(0)


@pytest.mark.parametrize("address", addresses())
async def test_an_administrators_closing_is_told_and_may_be_undone(address: str) -> None:
    socket = await opened(address)
    (one,) = await seen(1)
    assert presence.close(holder=one.holder, socket=one.socket)
    for room in (CHATS, open_sockets.OTHERS):
        await open_sockets.sessions(room).beat()
    *_, told, closed = await heard_until_closed(socket)
    assert (told["type"], told["code"], closed) == ("error", "paused", {"closed": open_sockets.PAUSED})
    assert told["message"].startswith("An administrator closed")
    await socket.close()
    await seen(0)


@pytest.mark.parametrize("address", addresses())
async def test_a_stranger_is_not_seen(address: str) -> None:
    path = address.replace("<uuid:conversation_id>", "11111111-2222-4333-8444-555555555555")
    socket = Socket(await in_database(handshake, "anonymous", SOCKET, path))
    await socket.opened()
    await heard_until_closed(socket)
    assert presence.live().count == 0
    await socket.close()
