"""Keys that were just looked up: a program that asks a hundred times in a second is looked up once."""

from __future__ import annotations

import asyncio
import time
from weakref import WeakKeyDictionary

from apps.accounts.access import Access, access_by_key
from apps.accounts.models import secret_hash
from apps.core.database import in_database

FRESH_SECONDS = 1.0  # a revoked key is refused everywhere within five
MOST = 1_000


class KeyRing:
    """The accesses of one event loop, by the hash of their key. Only keys that let somebody in are remembered."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Access]] = {}
        self._asking: dict[str, asyncio.Task[Access]] = {}

    async def access(self, secret: str) -> Access:
        """What a key gives, at most a second old; a stranger's access where it gives nothing."""
        mark = secret_hash(secret)
        at, access = self._known.get(mark, (float("-inf"), Access()))
        if time.monotonic() - at < FRESH_SECONDS:
            return access
        if mark not in self._asking:
            self._asking[mark] = asyncio.ensure_future(self._ask(mark, secret))
        return await asyncio.shield(self._asking[mark])

    async def _ask(self, mark: str, secret: str) -> Access:
        asked_at = time.monotonic()
        try:
            access = await in_database(access_by_key, secret)
        finally:
            del self._asking[mark]
        if len(self._known) >= MOST:
            self._known.clear()
        if access.key_id is not None:
            self._known[mark] = asked_at, access
        return access


_rings: WeakKeyDictionary[asyncio.AbstractEventLoop, KeyRing] = WeakKeyDictionary()


def keyring() -> KeyRing:
    """The ring of the running event loop."""
    return _rings.setdefault(asyncio.get_running_loop(), KeyRing())
