"""An answer in two pieces with a pause between them, for `nitro doctor`: what happens to streams on their way.

It is given to nobody else: the token can only be made by who has this installation's key, and lasts a minute.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from django.core import signing
from django.http import HttpRequest

HEADER = "X-Nitro-Probe"
SALT = "nitro.probe"
GAP = 1.0  # seconds
SECONDS = 60


def token() -> str:
    """A permit for one look."""
    return signing.dumps("probe", salt=SALT)


def is_ours(given: str) -> bool:
    """Whether somebody with this installation's key asks."""
    try:
        return bool(signing.loads(given, salt=SALT, max_age=SECONDS) == "probe")
    except signing.BadSignature:
        return False


def seen(request: HttpRequest) -> dict[str, object]:
    """What the request looks like from here. Raises `DisallowedHost`."""
    return {
        "host": request.get_host(),
        "peer": request.META.get("REMOTE_ADDR", ""),
        "forwarded": "HTTP_X_FORWARDED_FOR" in request.META,
    }


async def pieces(facts: dict[str, object]) -> AsyncIterator[bytes]:
    """A line with the facts; after the pause a second one."""
    yield json.dumps(facts).encode() + b"\n"
    await asyncio.sleep(GAP)
    yield b"{}\n"
