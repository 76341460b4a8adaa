"""Requests of programs that wait for a model: they stand beside Django, which would give each of them a thread.

A visit is read, signed in by its key, answered whole or as a stream, and ended when its client leaves or its key does.
Browsers, which come with a cookie and need Django's protection of forms, take Django's way to the same answers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

import orjson

from apps.accounts.access import Access, bearer_secret, has_key
from apps.accounts.keyring import keyring
from apps.accounts.models import Scope, User
from apps.accounts.sockets import Application, AsgiScope, Receive, Send, header_of
from apps.accounts.watch import watch
from apps.chat.admission import question_count
from apps.chat.flow import Flow
from apps.chat.telling import event_of_failure
from apps.core import middleware, tracing
from apps.core.addresses import scope_address
from apps.core.bodies import sound_json
from apps.core.compression import packed
from apps.core.database import in_database
from apps.core.errors import NitroError, NotAllowed
from apps.core.failures import Failure
from apps.core.pages import BROKEN, TOO_LARGE

logger = logging.getLogger(__name__)
BODY_LIMIT = 28 * 1024 * 1024  # pictures stand in the body, as base64
PATIENCE = 5.0  # seconds for which a stream waits for its first piece before it says that it is well
ALIVE_SECONDS = 10.0
ALIVE = b": waiting\n\n"  # a comment (WHATWG, server-sent events), which keeps proxies from hanging up
LARGE = 64 * 1024  # bytes of an answer whose compression takes more than a millisecond
JSON, EVENTS = b"application/json", b"text/event-stream; charset=utf-8"


class NotSignedIn(NitroError):
    """There is no key, or none that opens anything."""

    code = "not_authenticated"
    status = 401
    hint = "Send a key as `Authorization: Bearer nk_…`. Keys are made on the settings page."


class TooLarge(NitroError):
    """The body is longer than Nitro takes at once."""

    code = "too_large"
    status = 413


class WrongKind(NitroError):
    """The body is something else than JSON."""

    code = "unsupported_media_type"
    status = 415
    hint = "Send JSON with the header `Content-Type: application/json`."


class Gone(Exception):
    """The client has left; there is nobody to answer."""


class Visit:
    """One request: who asks for what, and the ways to answer it."""

    def __init__(self, scope: AsgiScope, send: Send) -> None:
        self.path: str = scope["path"]
        self.scope = scope
        self.access = Access()
        self.body: Any = None
        self.streaming = False
        self._send = send
        self._began = time.perf_counter()
        tracing.begin(self.header(tracing.HEADER))

    @property
    def user(self) -> User:
        """Who asks; only once they are signed in."""
        return cast(User, self.access.user)

    def header(self, name: str) -> str:
        return header_of(self.scope, name.lower().encode())

    async def count(self) -> None:
        """Count a question for the limits of this user and address; raises where it is one too many."""
        await in_database(question_count, user_id=self.user.pk, address=scope_address(self.scope))

    async def answer(self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send JSON in one piece."""
        raw, coding = await self._packed(orjson.dumps(value))
        told = {"Content-Length": str(len(raw)), "Vary": "Accept-Encoding", **(headers or {})}
        if coding:
            told["Content-Encoding"] = coding
        await self._begin(status, JSON, [(name.lower().encode(), text.encode()) for name, text in told.items()])
        await self._send({"type": "http.response.body", "body": raw})

    async def _packed(self, raw: bytes) -> tuple[bytes, str]:
        """As small as the client can read it. What takes more than a moment is not done in the loop of all streams."""
        accepts = self.header("Accept-Encoding")
        if len(raw) < LARGE:
            return packed(raw, accepts)
        return await asyncio.to_thread(packed, raw, accepts)

    async def fail(self, failure: Failure) -> None:
        """Send what went wrong; where the stream has begun, as its last event."""
        if self.streaming:
            await self._send({"type": "http.response.body", "body": event_of_failure(failure, self.path)})
        else:
            await self.answer(failure.body(self.path), failure.status, failure.headers())

    async def stream(self, pieces: AsyncGenerator[bytes, None]) -> None:
        """Send pieces of an event stream as they come. An error before the first one is raised: it has a status."""
        async with Flow(pieces) as flow:
            while not await flow.wait(ALIVE_SECONDS if self.streaming else PATIENCE):
                await self._write(ALIVE)
            async for gathered in flow.gathered():
                await self._write(gathered)
        await self._send({"type": "http.response.body", "body": b""})

    async def _write(self, piece: bytes) -> None:
        if not self.streaming:
            self.streaming = True
            await self._begin(200, EVENTS, [(b"x-accel-buffering", b"no")])
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def _begin(self, status: int, media_type: bytes, more: Iterable[tuple[bytes, bytes]]) -> None:
        seconds = time.perf_counter() - self._began
        middleware.count(middleware.route_at(self.path), status, seconds)
        headers = [
            (b"content-type", media_type),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (tracing.HEADER.lower().encode(), tracing.current().encode()),
            (b"x-response-time", b"%.6f" % seconds),
            (b"server-timing", b"app;dur=%.2f" % (seconds * 1000)),
            *more,
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})


Answer = Callable[[Visit], Awaitable[None]]


class KeyDoor:
    """Lets programs with a key in at some addresses; everything else goes to Django."""

    def __init__(self, pages: Application, rooms: Mapping[str, Answer]) -> None:
        self.pages = pages
        self.rooms = rooms

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        room = self.rooms.get(scope["path"])
        if room is None or scope["method"] != "POST" or not is_program(scope):
            await self.pages(scope, receive, send)
            return
        visit = Visit(scope, send)
        try:
            await admit(visit, receive)
            await attended(visit, room(visit), receive)
        except Gone:
            return
        except NitroError as error:
            await visit.fail(Failure.of(error).at(visit.path))
        except Exception:  # a defect of ours: told as every other one of the API, and kept in the log
            logger.exception("A request to %s failed by a defect of Nitro itself", visit.path)
            await visit.fail(BROKEN)


def is_program(scope: AsgiScope) -> bool:
    """Whether it comes with a key, in the header alone: one in the address is for Django to refuse."""
    secret = bearer_secret(header_of(scope, b"authorization"))
    return secret is not None and not has_key(scope.get("query_string", b"").decode("latin-1"))


async def admit(visit: Visit, receive: Receive) -> None:
    """Read the body and see who it is. Raises what is wrong with either."""
    raw = await _body(receive)
    secret = bearer_secret(header_of(visit.scope, b"authorization")) or ""
    visit.access = await keyring().access(secret)
    if visit.access.key_id is None:
        raise NotSignedIn("This key is unknown, has ended or was revoked.")
    if not visit.access.allows(Scope.CHAT):
        raise NotAllowed("This key does not have the scope that this needs.", code="scope_missing")
    _kind_check(visit.header("content-type"))
    visit.body = sound_json(raw)
    await visit.count()


def _kind_check(header: str) -> None:
    """Raise `WrongKind` where a request says that its body is no JSON; one that says nothing is believed to be."""
    kind = header.partition(";")[0].strip().lower()
    if kind not in {"", "application/json"}:
        raise WrongKind(f"Unsupported media type {kind[:60]!r} in request.")


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_LIMIT:
            raise TooLarge(TOO_LARGE.message, hint=TOO_LARGE.hint)
        if not message.get("more_body"):
            return b"".join(parts)


async def attended(visit: Visit, work: Awaitable[None], receive: Receive) -> None:
    """Do the work until it is done, the client leaves or its key ends."""
    async with watch().over(visit.access) as ended:
        working = asyncio.ensure_future(work)
        leaving = asyncio.ensure_future(_left(receive))
        losing = asyncio.ensure_future(ended.wait())
        try:
            await asyncio.wait({working, leaving, losing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (leaving, losing):
                task.cancel()
            await _ended(working)
    if not working.cancelled():
        working.result()
    elif ended.is_set():
        raise NotSignedIn("This key has ended or was revoked.")


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(task: asyncio.Future[Any]) -> None:
    """Cancel a task that still runs, and wait until it has heard."""
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})
