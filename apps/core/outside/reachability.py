"""How Nitro looks to those who reach it through its public address: what proxies do to pages, streams and sockets."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from django.conf import settings

from apps.core import proving
from apps.core.addresses import is_trusted, parsed
from apps.core.diagnosis import Finding
from apps.core.outside import certificates
from apps.core.outside.certificates import Shown

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
EXPIRED, OTHER_NAMES = 10, 62  # why OpenSSL refuses a certificate; for most other reasons nobody knows its signer
UNKNOWN_SIGNER = (
    "If `nitro up --tls` made it, run this command with that NITRO_HOME, which knows it. If a company signed it, "
    "let this machine trust that one (SSL_CERT_FILE). Otherwise serve the whole chain."
)
NAME_IT = "Nitro makes one for {host} when that is in ALLOWED_HOSTS and `nitro up --tls` starts again."
BROWSERS_ASK = (
    "A browser asks about it once: compare the fingerprint {fingerprint}. Programs have to be told to trust "
    "{place}. Nobody asks where TLS_CERTIFICATE is one that browsers know."
)


@dataclass
class Seen:
    """What was found on the way. `facts`: what Nitro saw of our request; `gap`: seconds between two pieces.

    `distrust`: why a certificate was refused, as OpenSSL numbers it; where it is ours, the rest was looked at anyway.
    """

    problem: str = ""
    hint: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    gap: float | None = None
    socket: int | None = None  # 101 where it opened, else the HTTP status that refused it
    certificate: Shown | None = None
    distrust: int = 0


def examine(url: str, *, own: bool = False) -> list[Finding]:
    """Knock at an address and say what is wrong on the way; `own`: our certificate need not be anybody else's."""
    base = url.rstrip("/")
    seen = asyncio.run(_look(base, ssl._create_unverified_context() if own else True))  # noqa: S323 (our own address)
    ours = certificates.own() if seen.distrust else None
    if ours is not None:
        closer = asyncio.run(_look(base, aiohttp.Fingerprint(ours.digest)))
        seen = seen if closer.problem else replace(closer, distrust=seen.distrust)
    if seen.problem:
        return [Finding("public", False, not own, f"{base} {seen.problem}", seen.hint)]
    found = [Finding("public", True, True, f"Nitro answers at {base}.")]
    return [*found, _stream(seen), _sockets(base, seen), *_transport(base, seen, own=own), *_visitors(seen)]


# --- looking ---------------------------------------------------------------------------------------------------------


async def _look(base: str, secure: ssl.SSLContext | aiohttp.Fingerprint | bool) -> Seen:
    seen = Seen()
    waits = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=waits, connector=aiohttp.TCPConnector(ssl=secure)) as session:
            await _stream_read(session, base, seen)
            if not seen.problem:
                await _socket_open(session, base, seen)
    except aiohttp.ClientConnectorCertificateError as error:
        _refuse(error.certificate_error, base, seen)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        seen.problem, seen.hint = f"cannot be reached from here: {reason}", "Look whether the proxy runs."
    return seen


async def _stream_read(session: aiohttp.ClientSession, base: str, seen: Seen) -> None:
    """Ask for two pieces that are sent with a pause between them, and note when they come."""
    headers = {proving.HEADER: proving.token()}
    async with session.get(f"{base}/healthz/probe", headers=headers, allow_redirects=False) as answer:
        seen.certificate = certificates.of(answer)
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


def _refuse(error: Exception, base: str, seen: Seen) -> None:
    """Note why a certificate was not good enough."""
    told = getattr(error, "verify_message", "") or str(error)
    seen.distrust = getattr(error, "verify_code", 0) or -1
    seen.problem = f"has a certificate that is not valid: {told}."
    hints = {EXPIRED: "Renew it.", OTHER_NAMES: NAME_IT.format(host=urlsplit(base).hostname)}
    seen.hint = hints.get(seen.distrust, UNKNOWN_SIGNER)


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
    yield _certificate(parts.hostname or "", seen, own=own)
    ours = certificates.own()
    by_nitro = own or (ours is not None and seen.certificate is not None and ours.digest == seen.certificate.digest)
    if not settings.COOKIES_SECURE and not by_nitro:  # `nitro up --tls` sets it by itself
        yield Finding("cookies", False, False, "Sign-ins also travel without https.", "Set COOKIES_SECURE=true.")


def _certificate(host: str, seen: Seen, *, own: bool) -> Finding:
    """What browsers will say of it; of our own address only whether it ends soon."""
    shown = seen.certificate
    if shown is None:
        return Finding("tls", True, False, "https works.")
    if shown.days < SOON_DAYS:
        return Finding("tls", False, False, f"The certificate ends in {shown.days} days.", "Renew it.")
    left = f"for another {shown.days} days"
    if own:
        return Finding("tls", True, False, f"https works, with a certificate {left}.")
    if not seen.distrust:
        return Finding("tls", True, False, f"https works, with a certificate that is valid {left}.")
    if not shown.is_for(host):
        told = f"https works, but the certificate is not for the name {host}: every browser warns."
        return Finding("tls", False, False, told, NAME_IT.format(host=host))
    told = f"https works {left}, with this Nitro's own certificate, which browsers and programs do not know."
    return Finding(
        "tls", False, False, told, BROWSERS_ASK.format(fingerprint=shown.fingerprint, place=certificates.place())
    )


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
