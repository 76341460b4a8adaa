"""The guards of websockets: where a page comes from, who is there, what a key may do."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.test import Client
from pytest_django import Settings

from apps.accounts import sockets
from apps.accounts.models import User
from apps.accounts.sockets import Application, AsgiScope, OriginGuard, Receive, Send, SignedInMiddleware, is_own_origin
from apps.core.database import in_database
from apps.core.errors import DatabaseAway
from tests import cast

HOST = b"localhost:8000"
OWN = b"http://localhost:8000"
pytestmark = pytest.mark.django_db(transaction=True)


class Greeter:
    """Accepts every socket and remembers who came."""

    def __init__(self) -> None:
        self.seen: AsgiScope = {}

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        self.seen = scope
        await receive()
        await send({"type": "websocket.accept"})


def scope_with(*, query: bytes = b"", subprotocols: Any = (), **headers: bytes | str) -> AsgiScope:
    lines = {"host": HOST, **headers}
    pairs = [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in lines.items()]
    return {
        "type": "websocket",
        "path": "/ws/chat/x/",
        "query_string": query,
        "headers": pairs,
        "subprotocols": list(subprotocols),
    }


def talking_to(application: Application, scope: AsgiScope) -> Any:
    untyped: Any = ApplicationCommunicator
    return untyped(application, scope)


async def knock(scope: AsgiScope) -> tuple[dict[str, Any], AsgiScope]:
    """The server's first message, and the scope as the consumer has got it."""
    greeter = Greeter()
    communicator = talking_to(OriginGuard(SignedInMiddleware(greeter)), scope)
    await communicator.send_input({"type": "websocket.connect"})
    message: dict[str, Any] = await communicator.receive_output(timeout=5)
    await communicator.send_input({"type": "websocket.disconnect", "code": 1006})
    await communicator.wait(timeout=5)
    return message, greeter.seen


def session_of_alice() -> tuple[User, str]:
    client, alice = Client(), cast.alice()
    client.force_login(alice)
    return alice, f"sessionid={client.session.session_key}"


def key_of_alice(*scopes: str) -> tuple[User, str]:
    alice = cast.alice()
    return alice, cast.key_of(alice, *scopes)


async def test_a_signed_in_browser_comes_in_as_its_user() -> None:
    alice, cookie = await in_database(session_of_alice)
    message, seen = await knock(scope_with(origin=OWN, cookie=f"theme=dark; {cookie}"))
    assert message["type"] == "websocket.accept"
    assert seen["user"] == alice


async def test_a_stranger_of_our_own_page_is_anonymous() -> None:
    _, seen = await knock(scope_with(origin=OWN, cookie="sessionid=" + "a" * 32))
    assert seen["user"].is_anonymous


async def test_a_key_in_the_header_needs_no_origin() -> None:
    alice, secret = await in_database(key_of_alice)
    message, seen = await knock(scope_with(authorization=f"Bearer {secret}"))
    assert message["type"] == "websocket.accept"
    assert seen["user"] == alice
    assert seen["access"].key_id is not None


async def test_a_key_as_subprotocol_is_answered_with_a_subprotocol() -> None:
    alice, secret = await in_database(key_of_alice)
    offered = f"nitro.bearer.{secret}"
    message, seen = await knock(scope_with(origin=OWN, subprotocols=(offered,)))
    assert (message["type"], message["subprotocol"], seen["user"]) == ("websocket.accept", offered, alice)
    message, _ = await knock(scope_with(origin=OWN, subprotocols=(offered, "nitro")))
    assert message["subprotocol"] == "nitro"


async def test_a_wrong_key_does_not_fall_back_to_the_cookie() -> None:
    _, cookie = await in_database(session_of_alice)
    _, seen = await knock(scope_with(origin=OWN, cookie=cookie, authorization="Bearer nk_wrong"))
    assert seen["user"].is_anonymous


async def test_a_key_beside_a_cookie_gives_the_rights_of_the_key_alone() -> None:
    _, cookie = await in_database(session_of_alice)
    _, secret = await in_database(key_of_alice, "images")
    message, seen = await knock(scope_with(origin=OWN, cookie=cookie, authorization=f"Bearer {secret}"))
    assert message["type"] == "websocket.close"
    assert not seen


async def test_a_key_in_the_address_is_refused() -> None:
    _, secret = await in_database(key_of_alice)
    message, _ = await knock(scope_with(origin=OWN, query=f"key={secret}".encode()))
    assert message["type"] == "websocket.close"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": b"https://evil.example"},
        {"origin": b"http://localhost:9999"},
        {"origin": b"http://evil.example:8000", "host": b"evil.example:8000"},
        {"origin": b"null"},
        {"origin": b"http://[::1"},
    ],
    ids=["foreign", "another port", "a name of its own", "null", "broken"],
)
async def test_foreign_pages_are_refused(headers: dict[str, bytes]) -> None:
    _, cookie = await in_database(session_of_alice)
    message, seen = await knock(scope_with(cookie=cookie, **headers))
    assert message["type"] == "websocket.close"
    assert not seen


async def test_a_program_without_an_origin_may_use_a_session() -> None:
    alice, cookie = await in_database(session_of_alice)
    _, seen = await knock(scope_with(cookie=cookie))
    assert seen["user"].pk == alice.pk


async def test_a_foreign_page_is_refused_even_with_a_key() -> None:
    _, secret = await in_database(key_of_alice)
    message, _ = await knock(scope_with(origin=b"https://evil.example", authorization=f"Bearer {secret}"))
    assert message["type"] == "websocket.close"


async def test_a_database_that_is_away_closes_with_try_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*args: object) -> None:
        raise DatabaseAway("The database does not answer.")

    monkeypatch.setattr(sockets, "in_database", away)
    middleware = SignedInMiddleware(Greeter())
    communicator = talking_to(middleware, scope_with(authorization="Bearer nk_x"))
    await communicator.send_input({"type": "websocket.connect"})
    assert (await communicator.receive_output())["type"] == "websocket.accept"
    assert await communicator.receive_output() == {"type": "websocket.close", "code": 1013}


@pytest.mark.parametrize("cookie", [b'sessionid="\\000aaaaaaaa"', b"=;;=", b"sessionid", b"\xff\xfe=\xff", b"a=" * 999])
async def test_a_broken_cookie_is_a_stranger(cookie: bytes) -> None:
    _, seen = await knock(scope_with(origin=OWN, cookie=cookie))
    assert seen["user"].is_anonymous


def test_a_proxy_that_rewrites_host_is_covered_by_the_allowed_hosts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["nitro.example"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://nitro.example"]
    assert is_own_origin("https://nitro.example", "10.0.0.7:8000")
    assert not is_own_origin("https://nitro.example:444", "10.0.0.7:8000")


def test_with_every_host_allowed_a_page_still_needs_our_own_address(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert is_own_origin("http://nitro.lan:8000", "nitro.lan:8000")
    assert not is_own_origin("https://evil.example", "nitro.lan:8000")
