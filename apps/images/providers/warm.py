"""Children that stay for the next picture, since what they load takes long, and end when nobody needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from apps.images.providers.base import Report
from apps.images.providers.child import Child


class Warm:
    """At most `most` children of one kind. Each ends after `idle_seconds` without an order, or when one goes wrong."""

    def __init__(self, module: str, *, most: int = 1, idle_seconds: float) -> None:
        self.module = module
        self.idle_seconds = idle_seconds
        self.idle: dict[Child, asyncio.TimerHandle] = {}
        self.room = asyncio.Semaphore(most)
        self.ending: set[asyncio.Task[None]] = set()

    async def draw(self, order: Mapping[str, Any], report: Report) -> bytes:
        """As `Child.draw`, with a child that is warm where there is one."""
        async with self.room:
            child = self._take()
            picture = await child.draw(order, report)  # on any trouble it has ended itself
            self._keep(child)
            return picture

    def _take(self) -> Child:
        while self.idle:
            child, timer = self.idle.popitem()
            timer.cancel()
            if child.is_alive:
                return child
        return Child(self.module)

    def _keep(self, child: Child) -> None:
        self.idle[child] = asyncio.get_running_loop().call_later(self.idle_seconds, self._let_go, child)

    def _let_go(self, child: Child) -> None:
        if self.idle.pop(child, None) is not None:
            task = asyncio.ensure_future(child.end())
            self.ending.add(task)
            task.add_done_callback(self.ending.discard)

    async def close(self) -> None:
        """End all that wait; returns when they are gone, those that were let go before included."""
        for child, timer in list(self.idle.items()):
            timer.cancel()
            await child.end()
        self.idle.clear()
        if self.ending:
            await asyncio.wait(self.ending)
