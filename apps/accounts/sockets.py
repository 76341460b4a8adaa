"""Who is at the other end of a websocket: a signed-in browser or a program with a key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from apps.accounts.access import Access, access_by_key, access_by_session, bearer_secret, has_key
from apps.accounts.models import Scope
from apps.accounts.watch import watch
from apps.core import tracing
from apps.core.database import in_database
from apps.core.errors import DatabaseAway

AsgiScope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[AsgiScope, Receive, Send], Awaitable[None]]

PROTOCOL = "nitro"
BEARER_PROTOCOL = "nitro.bearer."
TRY_AGAIN_LATER = 1013
NOT_SIGNED_IN = 4401


def bearer_of(scope: AsgiScope) -> str | None:
    """The key that a program sent, in the header or as a subprotocol; None when it sent none."""
    for protocol in scope.get("subprotocols", ()):
        if protocol.startswith(BEARER_PROTOCOL):
            return str(protocol.removeprefix(BEARER_PROTOCOL))
    return bearer_secret(header_of(scope, b"authorization"))


def session_key_of(scope: AsgiScope) -> str:
    try:
        cookie = SimpleCookie(header_of(scope, b"cookie")).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def header_of(scope: AsgiScope, name: bytes) -> str:
    values = [value for key, value in scope.get("headers", ()) if key == name]
    return values[-1].decode("latin-1") if values else ""


def is_own_origin(origin: str, host: str) -> bool:
    """Whether a page of this origin is one of ours.

    Its host must be one that Nitro answers to (or a page could point its own name at this machine), and origin and
    Host header must agree, port included: another program's page on the same machine is a stranger too. A proxy that
    rewrites Host is covered by the origins that forms are accepted from.
    """
    try:
        address = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    domain, _ = split_domain_port(address)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    return address == host.lower() or origin.lower() in settings.CSRF_TRUSTED_ORIGINS


class OriginGuard:
    """Refuses sockets of other sites' pages, and those with a key in the address.

    Browsers always name the Origin of a page that opens a socket. Who sends none is a program, which cannot be tricked
    into using somebody's cookie: it may come in with a session as well as with a key.
    """

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        await (self.inner if self.admits(scope) else WebsocketDenier())(scope, receive, send)

    def admits(self, scope: AsgiScope) -> bool:
        if has_key(scope.get("query_string", b"").decode("latin-1")):
            return False
        origin = header_of(scope, b"origin")
        return not origin or is_own_origin(origin, header_of(scope, b"host"))


class SignedInMiddleware:
    """Puts `user` (a real one or AnonymousUser) and `access` into the scope, in one hop to a database thread.

    A key always wins over a cookie, so that a program never gets more than its key allows. A key without the scope
    that these sockets need is refused; whether strangers may enter is for the consumer to say. All that a socket sets
    off bears the name of the request that opened it.
    """

    def __init__(self, inner: Application, *, needed: Scope = Scope.CHAT) -> None:
        self.inner = inner
        self.needed = needed

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        tracing.begin(header_of(scope, tracing.HEADER.lower().encode()))
        try:
            access = await self.access(scope)
        except DatabaseAway:
            await receive()
            await send({"type": "websocket.accept", "subprotocol": subprotocol_of(scope)})
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
            return
        if not access.allows(self.needed):
            await WebsocketDenier()(scope, receive, send)
            return
        inside = {**scope, "user": access.user, "access": access}
        send = accepting(send, subprotocol_of(scope))
        if access.user.is_authenticated:
            await self.guarded(inside, receive, send)
        else:
            await self.inner(inside, receive, send)

    async def guarded(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve the socket, and close it when the rights of who opened it have ended."""
        async with watch().over(scope["access"]) as ended:
            closing = asyncio.ensure_future(close_when(ended, send))
            try:
                await self.inner(scope, receive, unless(ended, send))
            finally:
                closing.cancel()

    async def access(self, scope: AsgiScope) -> Access:
        secret = bearer_of(scope)
        if secret is not None:
            return await in_database(access_by_key, secret)
        session_key = session_key_of(scope)
        return await in_database(access_by_session, session_key) if session_key else Access()


async def close_when(ended: asyncio.Event, send: Send) -> None:
    await ended.wait()
    await send({"type": "websocket.close", "code": NOT_SIGNED_IN})


def unless(ended: asyncio.Event, send: Send) -> Send:
    """`send`, until the event is set; afterwards nothing goes out any more."""

    async def send_unless_ended(message: Any) -> None:
        if not ended.is_set():
            await send(message)

    return send_unless_ended


def subprotocol_of(scope: AsgiScope) -> str | None:
    """What to choose of the offered subprotocols: browsers hang up when none of them is chosen."""
    offered = list(scope.get("subprotocols", ()))
    ours = [name for name in offered if name == PROTOCOL or name.startswith(BEARER_PROTOCOL)]
    return PROTOCOL if PROTOCOL in ours else next(iter(ours), None)


def accepting(send: Send, subprotocol: str | None) -> Send:
    """`send`, with the chosen subprotocol put into the acceptance."""
    if subprotocol is None:
        return send

    async def send_with_subprotocol(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.accept" and not message.get("subprotocol"):
            message = {**message, "subprotocol": subprotocol}
        await send(message)

    return send_with_subprotocol
