"""Back-pressure: whoever sends waits while the other side does not read, and a side that never reads is let go."""

from __future__ import annotations

import asyncio
from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from nitro.web.lines import overflows, waiting_bytes

STALLED_CHECKS = 2
GLANCE_SECONDS = 0.05


@implementer(IPushProducer)
class Gate:
    """Twisted's transport closes it when its buffer is full and opens it when the buffer has been sent."""

    __slots__ = ("_waiting", "closed")

    def __init__(self) -> None:
        self.closed = False
        self._waiting: asyncio.Future[None] | None = None

    def pauseProducing(self) -> None:  # noqa: N802
        """The buffer is over the high-water mark."""
        self.closed = True

    def resumeProducing(self) -> None:  # noqa: N802
        """The buffer is empty."""
        self.closed = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        self._waiting = None

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is gone: nobody needs to wait for it any more."""
        self.resumeProducing()

    async def passage(self, line: Any, stall_seconds: float) -> None:
        """Return when there is room again. A line that took no byte for `stall_seconds` is cut."""
        standing, before = 0, waiting_bytes(line)
        while self.closed or overflows(line):
            await self._opened(line, stall_seconds / STALLED_CHECKS)
            now = waiting_bytes(line)
            standing = standing + 1 if now >= before else 0
            before = now
            if (self.closed or overflows(line)) and standing >= STALLED_CHECKS:
                line.abortConnection()
                return

    async def _opened(self, line: Any, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self.closed and overflows(line) and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(GLANCE_SECONDS)  # nobody tells when a stream has drained
        if not self.closed:
            return
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._waiting], timeout=seconds)
