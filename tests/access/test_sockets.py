"""Every frame of the chat's websocket, sent by everybody: nobody but the owner starts, stops or hears anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import settings

from apps.accounts.sockets import AsgiScope
from apps.chat import conversation_services, frames
from apps.core.database import in_database
from apps.llm.providers.scripted import Scripted
from nitro.handler import OneThreadHandler
from nitro.routing import build
from tests import cast
from tests.access.chat import FRAMES, HARMLESS_FRAMES
from tests.access.table import Row
from tests.access.world import World, belongings, browser, world

SOCKET = Row("socket", "get", (0,) * 6, scope="chat")
NEW_ID = "11111111-2222-4333-8444-555555555555"
pytestmark = pytest.mark.django_db(transaction=True)


class Socket:
    """A client of the whole application."""

    def __init__(self, scope: AsgiScope) -> None:
        untyped: Any = ApplicationCommunicator
        self.line = untyped(build(OneThreadHandler()), scope)

    async def opened(self) -> dict[str, Any]:
        await self.line.send_input({"type": "websocket.connect"})
        answer: dict[str, Any] = await self.line.receive_output(timeout=5)
        return answer

    async def say(self, frame: Mapping[str, Any]) -> None:
        await self.line.send_input({"type": "websocket.receive", "text": json.dumps(frame)})

    async def hear(self) -> dict[str, Any]:
        """The next frame; of a closing, its code."""
        message = await self.line.receive_output(timeout=5)
        heard: dict[str, Any] = json.loads(message["text"]) if "text" in message else {"closed": message["code"]}
        return heard

    async def close(self) -> None:
        await self.line.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.line.wait(timeout=5)


def scope_of(person: str, conversation: Any) -> AsgiScope:
    """A handshake of somebody of PEOPLE, with the cookie or key that they have."""
    return handshake(person, SOCKET, f"/ws/chat/{conversation}/")


def handshake(person: str, row: Row, path: str) -> AsgiScope:
    client = browser(person, row)
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
    if cookie := client.cookies.get(settings.SESSION_COOKIE_NAME):
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie.value}".encode()))
    if key := client.defaults.get("HTTP_AUTHORIZATION"):
        headers.append((b"authorization", str(key).encode()))
    return {
        "type": "websocket",
        "path": path,
        "query_string": b"",
        "headers": headers,
        "subprotocols": [],
    }


def test_every_frame_is_in_the_table() -> None:
    assert set(frames.READERS) == set(FRAMES) | HARMLESS_FRAMES


@pytest.mark.parametrize(
    ("person", "heard"),
    [
        ("other", ["error", 4404]),
        ("admin", ["error", 4404]),
        ("anonymous", ["error", 4401]),
        ("inactive", ["error", 4401]),
    ],
)
async def test_a_stranger_to_the_chat_is_let_go_before_anything_is_said(person: str, heard: list[object]) -> None:
    names = await in_database(world)
    socket = Socket(await in_database(scope_of, person, names.names["conversation_id"]))
    await socket.opened()
    said, closing = await socket.hear(), await socket.hear()
    assert [said["type"], closing["closed"]] == heard
    await socket.close()


async def test_a_key_without_the_scope_does_not_get_in_at_all() -> None:
    names = await in_database(world)
    socket = Socket(await in_database(scope_of, "key", names.names["conversation_id"]))
    assert (await socket.opened())["type"] == "websocket.close"
    await socket.close()


async def test_the_owner_is_answered_and_the_log_keeps_silent(
    model: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    names = await in_database(world)
    socket = Socket(await in_database(scope_of, "owner", names.names["conversation_id"]))
    assert (await socket.opened())["type"] == "websocket.accept"
    await socket.say({"type": "ask", "id": NEW_ID, "text": "canary in a question"})
    assert (await socket.hear())["type"] == "accepted"
    heard = await socket.hear()
    while heard["type"] != "done":
        heard = await socket.hear()
    await socket.close()
    assert "canary" not in caplog.text
    assert "t00001" not in caplog.text


def own_chat_of(person: str) -> tuple[World, AsgiScope]:
    names = world()
    user = {"other": cast.bob, "admin": cast.admin}[person]()
    return names, scope_of(person, conversation_services.conversation_create(user=user).pk)


@pytest.mark.parametrize("person", ["other", "admin"])
@pytest.mark.parametrize("kind", FRAMES)
async def test_what_belongs_to_alice_cannot_be_named_in_another_chat(kind: str, person: str, model: Scripted) -> None:
    names, scope = await in_database(own_chat_of, person)
    before = await in_database(belongings)
    socket = Socket(scope)
    await socket.opened()
    await socket.say({"type": kind, **names.fill(FRAMES[kind])})
    heard = await socket.hear()
    assert (heard["type"], heard["code"]) == ("error", "not_found")
    assert "canary" not in json.dumps(heard)
    assert await in_database(belongings) == before
    assert not model.calls
    await socket.close()
