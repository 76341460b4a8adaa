"""Who gets in at the voice socket. Its frames name nothing that belongs to anybody."""

from __future__ import annotations

import pytest

from apps.core.database import in_database
from apps.voice import frames
from tests.access.table import Row
from tests.access.test_sockets import Socket, handshake

SOCKET = Row("socket", "get", (0,) * 6, scope="voice")
PATH = "/ws/voice/"
HARMLESS_FRAMES = {"listen", "end", "cancel", "say", "played", "hush"}
pytestmark = pytest.mark.django_db(transaction=True)


def test_every_frame_was_thought_about() -> None:
    assert set(frames.READERS) == HARMLESS_FRAMES


@pytest.mark.parametrize("person", ["anonymous", "inactive"])
async def test_a_stranger_is_let_go_before_anything_is_said(person: str) -> None:
    socket = Socket(await in_database(handshake, person, SOCKET, PATH))
    await socket.opened()
    said, closing = await socket.hear(), await socket.hear()
    assert (said["code"], closing["closed"]) == ("not_signed_in", 4401)
    await socket.close()


async def test_a_key_without_the_scope_does_not_get_in_at_all() -> None:
    socket = Socket(await in_database(handshake, "key", SOCKET, PATH))
    assert (await socket.opened())["type"] == "websocket.close"
    await socket.close()


async def test_whoever_is_signed_in_is_answered() -> None:
    socket = Socket(await in_database(handshake, "owner", SOCKET, PATH))
    assert (await socket.opened())["type"] == "websocket.accept"
    assert (await socket.hear())["type"] == "hello"
    await socket.say({"type": "nothing"})
    assert (await socket.hear())["code"] == "bad_frame"
    await socket.close()
