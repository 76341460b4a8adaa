"""The door itself: one request, to a checked address, within bounds of time, bytes, types and redirects."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urljoin

import aiohttp
from django.conf import settings

from apps.core.outside.addresses import Address, address_read
from apps.core.outside.connection import connector
from apps.core.outside.errors import (
    AddressRefused,
    BadAnswer,
    OutsideError,
    TooLarge,
    TooSlow,
    Unreachable,
    WrongType,
)

AGENT = "Nitro/0.1 (self-hosted assistant; reads single pages for a person who asked)"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PIECE = 64 * 1024
REPLY_LIMIT = 64 * 1024  # of what a webhook answers
WHERE = {
    aiohttp.ClientConnectorDNSError: "There is no such host.",
    aiohttp.ClientConnectorCertificateError: "The certificate of that host is not valid.",
    aiohttp.ClientSSLError: "No safe connection to that host could be made.",
    aiohttp.ClientConnectorError: "Nobody answers at that address.",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of what may come back, and when. `types`: media types, none for any; `cut`: keep a long beginning."""

    seconds: float = 8.0
    size: int = 2 * 1024 * 1024
    redirects: int = 5
    types: frozenset[str] = frozenset()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, after all redirects. `media_type` and `charset` are what the server said, in lower case."""

    url: str
    status: int
    media_type: str
    charset: str
    body: bytes
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Hook:
    """What is sent to a webhook."""

    body: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


PAGE = Bounds()
HOOK = Bounds(size=REPLY_LIMIT, redirects=0, cut=True)


async def fetch(url: str, bounds: Bounds = PAGE) -> Answer:
    """Read an address, without cookies, passwords or anything else of whoever asked. Raises an `OutsideError`."""
    try:
        async with asyncio.timeout(bounds.seconds), one_session() as session:
            return await _follow(session, address_read(url), bounds)
    except TimeoutError as error:
        raise TooSlow(f"That page took longer than {bounds.seconds:g} s.") from error


async def post(url: str, hook: Hook, bounds: Bounds = HOOK) -> Answer:
    """Send something to an address that a user named; redirects are not followed. Raises an `OutsideError`."""
    headers = {**hook.headers, "Content-Type": hook.media_type}
    try:
        async with asyncio.timeout(bounds.seconds), one_session() as session:
            answer = await _one(session, address_read(url), bounds, hook.body, headers)
    except TimeoutError as error:
        raise TooSlow(f"That address took longer than {bounds.seconds:g} s.") from error
    if isinstance(answer, Address):
        raise BadAnswer("That address sends on to another one, which is not followed.")
    return answer


@asynccontextmanager
async def one_session() -> AsyncIterator[aiohttp.ClientSession]:
    """A session for one request alone: nothing is kept for the next one, which may be somebody else's."""
    session = aiohttp.ClientSession(
        connector=connector(frozenset(settings.FETCH_ALLOWED_PRIVATE)),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None),
        headers={"User-Agent": AGENT, "Accept-Encoding": "gzip, deflate"},
    )
    async with session:
        yield session


async def _follow(session: aiohttp.ClientSession, address: Address, bounds: Bounds) -> Answer:
    for _ in range(bounds.redirects + 1):
        answer = await _one(session, address, bounds)
        if isinstance(answer, Answer):
            return answer
        address = answer
    raise BadAnswer("That page sends on to another one again and again.")


async def _one(
    session: aiohttp.ClientSession,
    address: Address,
    bounds: Bounds,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer | Address:
    """One request: its answer, or the address it sends on to."""
    method = "GET" if body is None else "POST"
    try:
        async with session.request(
            method, address.url, data=body, headers=headers, allow_redirects=False, raise_for_status=False
        ) as response:
            if response.status in REDIRECTS:
                return onward(response, address)
            return await _read(response, address, bounds, checked=body is None)
    except OutsideError:
        raise
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise failure_of_driver(error) from error


def onward(response: aiohttp.ClientResponse, address: Address) -> Address:
    """Where a redirect leads, read as strictly as the first address."""
    try:
        target = urljoin(address.url, response.headers.get("Location", ""))
    except ValueError as error:
        raise AddressRefused("That page sends on to something that is no address.") from error
    return address_read(target)


async def _read(response: aiohttp.ClientResponse, address: Address, bounds: Bounds, *, checked: bool) -> Answer:
    """The body within its bounds; of a page (`checked`) only after a look at status and type."""
    media_type = response.content_type.lower()
    if checked and response.status != 200:
        raise BadAnswer(f"That page answered with status {response.status}.", answered=response.status)
    if checked and bounds.types and media_type not in bounds.types:
        raise WrongType(f"That address holds {media_type[:60]!r}, which is not read.")
    length = response.content_length or 0
    if length > bounds.size and not bounds.cut:
        raise TooLarge(f"That address holds more than {bounds.size // 1024:,} kB.")
    body, cut = await _body(response, bounds)
    return Answer(address.url, response.status, media_type, (response.charset or "").lower(), body, cut)


async def _body(response: aiohttp.ClientResponse, bounds: Bounds) -> tuple[bytes, bool]:
    """The unpacked body, and whether it was cut. Neither packed nor unpacked bytes ever exceed the bound."""
    unpack = _Unpacking(response.headers.get("Content-Encoding", ""))
    parts: list[bytes] = []
    size = came = 0
    async for packed in response.content.iter_chunked(PIECE):
        came += len(packed)
        for part in unpack.feed(packed, bounds.size + 1 - size):
            parts.append(part)
            size += len(part)
        if size > bounds.size or came > bounds.size:
            if not bounds.cut:
                raise TooLarge(f"That address holds more than {bounds.size // 1024:,} kB.")
            return b"".join(parts)[: bounds.size], True
    return b"".join(parts), False


class _Unpacking:
    """Undoes gzip and deflate piece by piece, and never makes more than it is told to."""

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise BadAnswer("That page is packed in a way that was not asked for.")
        self._machine = zlib.decompressobj(wbits=47) if "gzip" in name else None
        self._raw_possible = name == "deflate"

    def feed(self, data: bytes, limit: int) -> list[bytes]:
        """What comes out, at most `limit` bytes of it."""
        if self._raw_possible and data:
            # Some servers leave out the two bytes that should begin "deflate"; the low half of the first tells.
            self._machine = zlib.decompressobj(wbits=15 if data[0] & 0x0F == 8 else -15)
            self._raw_possible = False
        if self._machine is None:
            return [data]
        try:
            return [self._machine.decompress(data, max(1, limit))]
        except zlib.error as error:
            raise BadAnswer("That page is packed wrongly.") from error


def failure_of_driver(error: Exception) -> OutsideError:
    """One of our errors for whatever the driver raised. An address that was refused at the last moment stays so."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused):
            return cause
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError | ValueError):
        return BadAnswer("That address does not speak HTTP properly.")
    return Unreachable(next((said for kind, said in WHERE.items() if isinstance(error, kind)), "The connection broke."))
