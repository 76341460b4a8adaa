"""HTTP for providers: connections that stay open between calls, and our own patience with slow servers."""

from __future__ import annotations

import asyncio
import errno
import socket
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import aiohttp
import orjson

from apps.core.cadence import cadence, next_moment
from apps.core.metadata import is_metadata
from apps.llm.errors import Garbled, TimedOut
from apps.llm.providers.failures import TRANSPORT_ERRORS, failure_of_exception, failure_of_status

NEAR_NAMES = (".localhost", ".local", ".lan", ".home", ".internal", ".home.arpa")
BODY_LIMIT = 8 * 1024 * 1024
READ_BUFFER = 256 * 1024
QUICK_READS = 4  # the first words of an answer are read as they come
LONGEST_PAUSE = 0.1  # seconds; R2: what is not read yet is lost with the process


class Sessions:
    """One keep-alive session per event loop, made at first use."""

    def __init__(self, *, connect: float, keepalive: float) -> None:
        self._connect, self._keepalive = connect, keepalive
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = WeakKeyDictionary()

    def current(self) -> aiohttp.ClientSession:
        """The session of the running loop."""
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None or session.closed:
            session = self._sessions[loop] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=self._keepalive, ttl_dns_cache=60, socket_factory=_socket
                ),
                timeout=aiohttp.ClientTimeout(total=None, connect=self._connect),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity", "User-Agent": "Nitro"},
                read_bufsize=READ_BUFFER,
            )
        return session

    async def close(self) -> None:
        """Close the session of the running loop."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()


def _socket(found: Any) -> socket.socket:
    """A socket for an address that a name was resolved to. Raises `PermissionError` where a cloud keeps its secrets."""
    family, kind, protocol, _, place = found
    if is_metadata(str(place[0])):
        raise PermissionError(errno.EACCES, "a model server is never at that address")
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


def is_near(url: str) -> bool:
    """Whether an address plainly belongs to this machine or its network; asks no name server."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        number = ip_address(host)
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(NEAR_NAMES))
    return number.is_private


class _Process:
    """How many answers this process reads right now."""

    answers = 0


def read_pause() -> float:
    """Seconds for which words gather in the network before they are read; 0 while few answers are.

    A read costs the same for one word as for five, and with it everything that is done for each read further on.
    """
    return min(LONGEST_PAUSE, cadence(_Process.answers))


class PatientReader:
    """Reads a body as it arrives, and gives up at a deadline for the first event or after silence.

    One timer watches the whole answer, so that a read costs nothing more. Only waiting for the server counts.
    The first words are read as they come; later ones gather, see `read_pause`.
    """

    def __init__(self, response: aiohttp.ClientResponse, where: str, *, deadline: float, silence: float) -> None:
        self._response, self._where, self._silence = response, where, silence
        self._loop = asyncio.get_running_loop()
        self._deadline: float | None = deadline
        self._waiting_since: float | None = None
        self._expired = False
        self._stopped = False
        self._reads = 0
        self._timer = self._loop.call_at(deadline, self._check)
        _Process.answers += 1

    async def read(self) -> bytes:
        """The next bytes, empty at the end. Raises a `ProviderError`."""
        self._reads += 1
        if self._reads > QUICK_READS and (seconds := read_pause()):
            await self._gather(seconds)
        self._waiting_since = self._loop.time()
        try:
            return await self._response.content.readany()
        except TRANSPORT_ERRORS as error:
            if self._expired:
                raise TimedOut(f"The {self._where} fell silent.") from error
            raise failure_of_exception(error, self._where) from error
        finally:
            self._waiting_since = None

    def first_event_came(self) -> None:
        """From now on only silence counts."""
        if self._deadline is not None:
            self._deadline = None
            self._arm(self._loop.time() + self._silence)

    def stop(self) -> None:
        """Take the timer away; a second time changes nothing."""
        if not self._stopped:
            _Process.answers -= 1
        self._stopped = True
        self._timer.cancel()

    async def _gather(self, seconds: float) -> None:
        """Let what comes wait in the system's buffer, where it costs nothing."""
        connection = self._response.connection
        transport = connection.transport if connection is not None else None
        if transport is None:  # all of it is here
            return
        transport.pause_reading()
        try:
            await next_moment(seconds)
        finally:
            if not transport.is_closing():
                transport.resume_reading()

    def _arm(self, when: float) -> None:
        self._timer.cancel()
        self._timer = self._loop.call_at(when, self._check)

    def _check(self) -> None:
        now = self._loop.time()
        if self._waiting_since is None:
            self._arm(now + self._silence)
            return
        due = self._waiting_since + self._silence if self._deadline is None else self._deadline
        if now < due:
            self._arm(due)
            return
        self._expired = True
        self._response.close()


async def get_json(session: aiohttp.ClientSession, url: str, where: str, headers: dict[str, str]) -> object:
    """The JSON behind an address. Raises a `ProviderError`; takes as long as the caller's own timeout allows."""
    try:
        async with session.get(url, headers=headers, allow_redirects=False) as response:
            raw = await whole_body(response)
            if response.status >= 300:
                raise failure_of_status(response.status, raw, response.headers, where)
    except TRANSPORT_ERRORS as error:
        raise failure_of_exception(error, where) from error
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Garbled(f"The {where} sent something that is not JSON.") from error


async def whole_body(response: aiohttp.ClientResponse) -> bytes:
    """A body that is not a stream, cut where it is too long to be meant seriously."""
    parts: list[bytes] = []
    size = 0
    while size < BODY_LIMIT and (part := await response.content.readany()):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
