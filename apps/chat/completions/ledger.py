"""What answers took, on its way to the rows of each day.

It is gathered for a moment, so that five hundred answers that end together write one row and not five hundred times the
same one. At most that moment is lost with the process. Of people with a day's allowance nothing is gathered: their next
question, which may come within that moment, shall count this answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import date
from weakref import WeakKeyDictionary

from apps.accounts import usage
from apps.accounts.limits import is_known_limited, today
from apps.core.database import in_database
from apps.core.errors import DatabaseAway
from apps.llm.events import Usage

logger = logging.getLogger(__name__)
GATHER_SECONDS = 0.3
AGAIN_SECONDS = 2.0
Page = tuple[int, date]


class Ledger:
    """The tokens that one event loop has not written yet."""

    def __init__(self) -> None:
        self._pages: dict[Page, Counter[str]] = {}
        self._writing: asyncio.Task[None] | None = None

    def add(self, user_id: int, used: Usage) -> None:
        """Count one answer."""
        page = self._pages.setdefault((user_id, today()), Counter())
        page.update(_counts(used))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write_soon())

    async def charge(self, user_id: int, used: Usage) -> None:
        """Count one answer; of somebody with a day's allowance it is written when this returns."""
        if not is_known_limited(user_id=user_id):
            self.add(user_id, used)
            return
        try:
            await in_database(write, {(user_id, today()): _counts(used)})
        except DatabaseAway:
            self.add(user_id, used)

    async def settle(self) -> None:
        """Return when everything that was added is written."""
        while self._writing is not None and not self._writing.done():
            await asyncio.wait({self._writing})

    async def _write_soon(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        while self._pages:
            pages, self._pages = self._pages, {}
            try:
                await in_database(write, pages)
            except DatabaseAway:
                logger.warning("Usage is counted again when the database answers.")
                self._take_back(pages)
                await asyncio.sleep(AGAIN_SECONDS)

    def _take_back(self, pages: dict[Page, Counter[str]]) -> None:
        for key, counts in pages.items():
            self._pages.setdefault(key, Counter()).update(counts)


def _counts(used: Usage) -> Counter[str]:
    return Counter(messages=1, prompt_tokens=used.prompt_tokens, completion_tokens=used.completion_tokens)


def write(pages: dict[Page, Counter[str]]) -> None:
    """Add the counts to their rows."""
    for (user_id, day), counts in pages.items():
        usage.day_add(user_id=user_id, day=day, **counts)


_ledgers: WeakKeyDictionary[asyncio.AbstractEventLoop, Ledger] = WeakKeyDictionary()


def ledger() -> Ledger:
    """The ledger of the running event loop."""
    return _ledgers.setdefault(asyncio.get_running_loop(), Ledger())
