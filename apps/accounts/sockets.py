"""Who is at the other end of a websocket: a signed-in browser or a program with a key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

from channels.security.websocket import AllowedHostsOriginValidator, WebsocketDenier
from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from apps.accounts import selectors, services
from apps.accounts.models import Scope, User
from apps.core.database import in_database
from apps.core.errors import DatabaseAway

AsgiScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[AsgiScope, Receive, Send], Awaitable[None]]

PROTOCOL = "nitro"
BEARER_PROTOCOL = "nitro.bearer."
TRY_AGAIN_LATER = 1013


@dataclass(frozen=True, slots=True)
class Access:
    """How somebody came in; `services` and sockets ask `user_is_current` with it."""

    user: User | AnonymousUser = field(default_factory=AnonymousUser)
    session_key: str = ""
    key_id: int | None = None
    scopes: frozenset[str] = frozenset()

    def allows(self, scope: str) -> bool:
        """A signed-in browser may do everything its user may; a key only what its scopes say."""
        return self.key_id is None or scope in self.scopes


def access_by_key(secret: str) -> Access:
    key = selectors.api_key_of_secret(secret)
    if key is None:
        return Access()
    services.api_key_touch(key=key)
    return Access(user=key.user, key_id=key.pk, scopes=frozenset(key.scopes))


def access_by_session(session_key: str) -> Access:
    user = selectors.user_of_session(session_key)
    return Access(user=user, session_key=session_key if user.is_authenticated else "")


def bearer_of(scope: AsgiScope) -> str | None:
    """The key that a program sent, in the header or as a subprotocol; None when it sent none."""
    for protocol in scope.get("subprotocols", ()):
        if protocol.startswith(BEARER_PROTOCOL):
            return str(protocol.removeprefix(BEARER_PROTOCOL))
    kind, _, secret = header_of(scope, b"authorization").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def session_key_of(scope: AsgiScope) -> str:
    try:
        cookie = SimpleCookie(header_of(scope, b"cookie")).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def header_of(scope: AsgiScope, name: bytes) -> str:
    values = [value for key, value in scope.get("headers", ()) if key == name]
    return values[-1].decode("latin-1") if values else ""


class OriginGuard:
    """Refuses sockets that pages of other sites open; a program without any Origin needs a key."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner
        self.own_pages_only: Application = AllowedHostsOriginValidator(inner)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        program = not header_of(scope, b"origin") and bearer_of(scope) is not None
        await (self.inner if program else self.own_pages_only)(scope, receive, send)


class SignedInMiddleware:
    """Puts `user` (a real one or AnonymousUser) and `access` into the scope, in one hop to a database thread.

    A key always wins over a cookie, so that a program never gets more than its key allows. A key without the scope
    that these sockets need is refused; whether strangers may enter is for the consumer to say.
    """

    def __init__(self, inner: Application, *, needed: Scope = Scope.CHAT) -> None:
        self.inner = inner
        self.needed = needed

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
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
        await self.inner(inside, receive, accepting(send, subprotocol_of(scope)))

    async def access(self, scope: AsgiScope) -> Access:
        secret = bearer_of(scope)
        if secret is not None:
            return await in_database(access_by_key, secret)
        session_key = session_key_of(scope)
        return await in_database(access_by_session, session_key) if session_key else Access()


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
