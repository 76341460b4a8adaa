"""How Nitro looks to those who reach it through its public address: what proxies do to pages, streams and sockets."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from django.conf import settings

from apps.core import proving
from apps.core.addresses import is_trusted, parsed
from apps.core.diagnosis import Finding

SECONDS = 10.0
FLOWING = proving.GAP / 2  # seconds between two pieces that were sent `proving.GAP` apart
SOON_DAYS = 14
HOME = ("localhost", "127.0.0.1", "[::1]", "::1")
BUFFERED = "Switch buffering off for Nitro: `proxy_buffering off` (nginx), `flush_interval -1` (Caddy)."
UPGRADES = (
    "Let the proxy pass websockets on: `proxy_http_version 1.1` with the headers Upgrade and Connection (nginx); "
    "Caddy and Traefik do so by themselves."
)
ALLOWED = "Put {host} into ALLOWED_HOSTS, and let the proxy pass the header Host on as it came."
MICROPHONE = "Serve https: `nitro up --tls`, or a proxy that speaks it, with COOKIES_SECURE=true."
TRUST = "Set TRUSTED_PROXIES={peer}, so that limits count people and not the proxy."
FOREIGN = "Look whether the address is right and the proxy leads to Nitro."


@dataclass
class Seen:
    """What was found on the way. `facts`: what Nitro saw of our request; `gap`: seconds between two pieces."""

    problem: str = ""
    hint: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    gap: float | None = None
    socket: int | None = None  # 101 where it opened, else the HTTP status that refused it
    expires: datetime | None = None


def examine(url: str, *, own: bool = False) -> list[Finding]:
    """Knock at an address and say what is wrong on the way; `own`: our certificate need not be anybody else's."""
    base = url.rstrip("/")
    seen = asyncio.run(_look(base, own=own))
    if seen.problem:
        return [Finding("public", False, not own, f"{base} {seen.problem}", seen.hint)]
    found = [Finding("public", True, True, f"Nitro answers at {base}.")]
    return [*found, _stream(seen), _sockets(base, seen), *_transport(base, seen, own=own), *_visitors(seen)]


# --- looking ---------------------------------------------------------------------------------------------------------


async def _look(base: str, *, own: bool) -> Seen:
    seen = Seen()
    secure: ssl.SSLContext | bool = ssl._create_unverified_context() if own else True  # noqa: S323 (our own address)
    waits = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=waits, connector=aiohttp.TCPConnector(ssl=secure)) as session:
            await _stream_read(session, base, seen)
            if not seen.problem:
                await _socket_open(session, base, seen)
    except aiohttp.ClientConnectorCertificateError as error:
        seen.problem, seen.hint = f"has a certificate that is not valid: {error.certificate_error}", "Renew it."
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        seen.problem, seen.hint = f"cannot be reached from here: {reason}", "Look whether the proxy runs."
    return seen


async def _stream_read(session: aiohttp.ClientSession, base: str, seen: Seen) -> None:
    """Ask for two pieces that are sent with a pause between them, and note when they come."""
    headers = {proving.HEADER: proving.token()}
    async with session.get(f"{base}/healthz/probe", headers=headers, allow_redirects=False) as answer:
        seen.expires = _expiry(answer)
        if answer.status != 200 or proving.HEADER not in answer.headers:
            _explain(answer, base, seen)
            return
        first = await answer.content.readline()
        began = time.monotonic()
        await answer.content.readline()
        seen.gap = time.monotonic() - began
        seen.facts = json.loads(first)


def _explain(answer: aiohttp.ClientResponse, base: str, seen: Seen) -> None:
    host = urlsplit(base).hostname or ""
    if answer.status in {301, 302, 307, 308}:
        where = answer.headers.get("Location", "")[:200]
        seen.problem, seen.hint = f"sends on to {where}.", "Give `nitro doctor --url` and PUBLIC_URL that address."
    elif answer.status == 400:
        seen.problem, seen.hint = "is answered with 400: Nitro does not know that name.", ALLOWED.format(host=host)
    else:
        seen.problem, seen.hint = f"is answered by something else, with status {answer.status}.", FOREIGN


def _expiry(answer: aiohttp.ClientResponse) -> datetime | None:
    transport = answer.connection.transport if answer.connection else None
    certificate = (transport.get_extra_info("peercert") if transport else None) or {}
    until = certificate.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if until else None


async def _socket_open(session: aiohttp.ClientSession, base: str, seen: Seen) -> None:
    """Open a chat's socket as a page of that address would; that nobody is signed in does not matter."""
    try:
        async with session.ws_connect(f"{base}/ws/chat/{uuid.uuid4()}/", origin=base):
            seen.socket = 101
    except aiohttp.WSServerHandshakeError as error:
        seen.socket = error.status


# --- saying ----------------------------------------------------------------------------------------------------------


def _stream(seen: Seen) -> Finding:
    if seen.gap is not None and seen.gap >= FLOWING:
        return Finding("stream", True, False, "Answers flow word by word through it.")
    return Finding("stream", False, False, "Something on the way holds answers back until they are whole.", BUFFERED)


def _sockets(base: str, seen: Seen) -> Finding:
    if seen.socket == 101:
        return Finding("sockets", True, True, "Websockets pass through it.")
    if seen.socket == 403:
        host = urlsplit(base).netloc
        return Finding(
            "sockets", False, True, "Nitro takes a page of that address for a foreign one.", ALLOWED.format(host=host)
        )
    return Finding("sockets", False, True, f"Websockets do not pass: the answer was {seen.socket}.", UPGRADES)


def _transport(base: str, seen: Seen, *, own: bool) -> Iterator[Finding]:
    """Encryption, and what depends on it."""
    parts = urlsplit(base)
    if parts.scheme != "https":
        if parts.hostname not in HOME:
            yield Finding("tls", False, False, "Without https browsers give no page a microphone.", MICROPHONE)
        return
    days = (seen.expires - datetime.now(UTC)).days if seen.expires else None
    if days is not None and days < SOON_DAYS:
        yield Finding("tls", False, False, f"The certificate ends in {days} days.", "Renew it.")
    else:
        more = f" for another {days} days" if days is not None else ""
        yield Finding("tls", True, False, f"https works, with a certificate that is valid{more}.")
    if not settings.COOKIES_SECURE and not own:
        yield Finding("cookies", False, False, "Sign-ins also travel without https.", "Set COOKIES_SECURE=true.")


def _visitors(seen: Seen) -> Iterator[Finding]:
    """Whether Nitro knows who comes through a proxy."""
    peer = parsed(str(seen.facts.get("peer", "")))
    if not seen.facts.get("forwarded") or peer is None:
        return
    if is_trusted(peer):
        yield Finding("visitors", True, False, "Nitro knows the addresses of those who come through the proxy.")
    else:
        hint = TRUST.format(peer=peer)
        yield Finding("visitors", False, False, "All who come through the proxy have its address.", hint)
