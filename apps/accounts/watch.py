"""Looks every few seconds whether those who hold a socket open may still be here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from weakref import WeakKeyDictionary

from apps.accounts import selectors
from apps.accounts.access import Access
from apps.core import metrics
from apps.core.database import in_database
from apps.core.errors import DatabaseAway

log = logging.getLogger(__name__)
SECONDS = 3.0  # rights taken away are gone within five


class Watch:
    """The open sockets of one event loop. All of them together cost three queries per look."""

    def __init__(self) -> None:
        self.open: dict[asyncio.Event, Access] = {}
        self.looking: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def over(self, access: Access) -> AsyncIterator[asyncio.Event]:
        """An event that is set when the access has ended, watched for as long as the block lasts."""
        ended = asyncio.Event()
        self.open[ended] = access
        if self.looking is None or self.looking.done():
            self.looking = asyncio.ensure_future(self.look_while_open())
        try:
            yield ended
        finally:
            del self.open[ended]
            if not self.open:
                self.looking.cancel()

    async def look_while_open(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await self.look()
            except DatabaseAway:
                log.info("Who may still be here is looked at again when the database answers.")

    async def look(self) -> None:
        """Set the events of those whose session or key has ended."""
        watched = dict(self.open)
        over = await in_database(selectors.ended, [access.ticket for access in watched.values()])
        for ended, access in watched.items():
            if access.ticket in over:
                ended.set()


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()


def watch() -> Watch:
    """The watch of the running event loop."""
    return _watches.setdefault(asyncio.get_running_loop(), Watch())


metrics.gauge(
    "nitro_open_sockets",
    "Open websockets of people who are signed in.",
    lambda: float(sum(len(found.open) for found in tuple(_watches.values()))),
)
