"""Responses made smaller for those who can read that: Brotli where possible, gzip otherwise, streams never.

Pages hold secrets (the token against forgery, what people wrote) beside what a visitor sent. Who can make somebody's
browser ask again and again could learn the secret from the compressed length (BREACH). So the token is masked anew in
each page, as Django does, and every compressed body is lengthened by a random number of bytes: in gzip by the name of
a file (as in Django's own middleware, "Heal the Breach"), in Brotli by a metadata block, which RFC 7932 (section 9.2)
lets every reader skip.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import brotli
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.text import compress_string

SHORTEST = 1024  # bytes; below that a packet is a packet
QUALITY, WINDOW_BITS = 4, 18  # as quick as gzip, and smaller
MOST_PADDING = 100  # bytes, at random, against the measuring of lengths
TYPES = re.compile(
    r"text/(?!event-stream)|application/(json|javascript|manifest\+json|xml|yaml|vnd\.oai)|image/svg\+xml"
)
CODING = re.compile(r"\s*([\w*-]+)\s*(?:;\s*q\s*=\s*([0-9.]+))?\s*")
GetResponse = Callable[[HttpRequest], HttpResponseBase]


def compressed(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponseBase]:
    """The middleware. Files that were compressed ahead, and those of people, do not pass here."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if isinstance(response, HttpResponse) and is_worth_it(response):
            patch_vary_headers(response, ("Accept-Encoding",))
            coding = accepted(request.headers.get("Accept-Encoding", ""))
            if coding:
                compress(response, coding)
        return response

    return respond


def is_worth_it(response: HttpResponse) -> bool:
    """Whether this is a whole body, long enough, and of a kind that gets smaller."""
    return (
        response.status_code not in {204, 206, 304}
        and not response.has_header("Content-Encoding")
        and "no-transform" not in response.headers.get("Cache-Control", "")
        and TYPES.match(response.headers.get("Content-Type", "")) is not None
        and len(response.content) >= SHORTEST
    )


def accepted(header: str) -> str:
    """`br` or `gzip`, whichever the client likes better; empty where it can read neither (RFC 9110, section 12.5.3)."""
    likes = dict(filter(None, (_liked(part) for part in header.lower().split(",")[:20])))
    anything = likes.get("*", 0.0)
    ranked = {coding: likes.get(coding, anything) for coding in ("br", "gzip")}
    best = max(ranked, key=lambda coding: ranked[coding])
    return best if ranked[best] > 0 else ""


def _liked(part: str) -> tuple[str, float] | None:
    found = CODING.fullmatch(part)
    if found is None:
        return None
    try:
        return found[1], float(found[2] or 1)
    except ValueError:
        return None


def compress(response: HttpResponse, coding: str) -> None:
    """Put the compressed body in, where it is shorter. A strong ETag becomes a weak one: these are other bytes."""
    body = response.content
    smaller = smaller_of(body, coding)
    if len(smaller) >= len(body):
        return
    response.content = smaller
    response.headers["Content-Encoding"] = coding
    response.headers["Content-Length"] = str(len(smaller))
    etag = response.headers.get("ETag", "")
    if etag.startswith('"'):
        response.headers["ETag"] = f"W/{etag}"


def packed(body: bytes, accept_encoding: str) -> tuple[bytes, str]:
    """A body that is sent beside Django, and its coding; as it was and an empty coding where that is better."""
    coding = accepted(accept_encoding) if len(body) >= SHORTEST else ""
    smaller = smaller_of(body, coding) if coding else body
    return (smaller, coding) if len(smaller) < len(body) else (body, "")


def smaller_of(body: bytes, coding: str) -> bytes:
    return brotlied(body) if coding == "br" else compress_string(body, max_random_bytes=MOST_PADDING)


def brotlied(body: bytes) -> bytes:
    """A Brotli stream of the body whose length tells nothing about a few bytes of it."""
    stream = brotli.Compressor(quality=QUALITY, lgwin=WINDOW_BITS)
    head = stream.process(b"") + stream.flush()  # ends on a whole byte, where a block can be put in
    return bytes(head + metadata(1 + secrets.randbelow(MOST_PADDING)) + stream.process(body) + stream.finish())


def metadata(length: int) -> bytes:
    """A block of 1 to 256 bytes that readers skip: not the last one, no nibbles (binary 11), its length in one byte."""
    header = 0b11 << 1 | 1 << 4 | (length - 1) << 6
    return header.to_bytes(2, "little") + secrets.token_bytes(length)
