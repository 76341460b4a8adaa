"""Gathers the pieces of a stream: the first ones go out at once, later ones wait for company while many are served.

Each write to a connection costs more than the words in it. So the more streams a process serves, the longer it gathers,
all of them in step (`apps.core.cadence`); with few of them every word goes out as it comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Self

from apps.core.cadence import cadence, next_moment

QUICK_WRITES = 4  # the first writes of a stream go out at once
WINDOW = 256 * 1024  # bytes that may wait here for a slow reader before the model has to wait, too


class _Process:
    """How many streams this process serves right now."""

    streams = 0


class Flow:
    """Reads pieces in a task of its own; `gathered` gives what has come meanwhile, and raises what went wrong."""

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        self._pieces = pieces
        self._waiting: list[bytes] = []
        self._size = 0
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._over = False
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        _Process.streams += 1
        self._reading = asyncio.ensure_future(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _Process.streams -= 1
        if self._reading is not None and not self._reading.done():
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def wait(self, seconds: float) -> bool:
        """Wait so long for the first piece; whether it, or the end, is there."""
        if not self._came.is_set():
            waiting = asyncio.ensure_future(self._came.wait())
            await asyncio.wait({waiting}, timeout=seconds)
            waiting.cancel()
        return self._came.is_set()

    async def gathered(self) -> AsyncGenerator[bytes, None]:
        """What has come since the last time, until the end."""
        writes = 0
        while True:
            await self._came.wait()
            if self._waiting:
                yield self._taken()
                writes += 1
            if self._over and not self._waiting:
                break
            if writes >= QUICK_WRITES and not self._over and (seconds := cadence(_Process.streams)):
                await next_moment(seconds)
        if self._reading is not None:
            await self._reading  # raises what went wrong

    def _taken(self) -> bytes:
        taken = b"".join(self._waiting)
        self._waiting.clear()
        self._size = 0
        self._room.set()
        if not self._over:
            self._came.clear()
        return taken

    async def _read(self) -> None:
        try:
            async with aclosing(self._pieces) as pieces:
                async for piece in pieces:
                    self._waiting.append(piece)
                    self._size += len(piece)
                    self._came.set()
                    if self._size > WINDOW:
                        self._room.clear()
                        await self._room.wait()
        finally:
            self._over = True
            self._came.set()
