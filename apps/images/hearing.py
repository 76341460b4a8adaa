"""News of jobs, from whichever process they happen in to whoever has the page open: rare, small, and losable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import transaction

from apps.core import news
from apps.images.models import ImageJob

KIND = "image"
Listener = Callable[[dict[str, Any]], None]
_ears: WeakKeyDictionary[asyncio.AbstractEventLoop, Ears] = WeakKeyDictionary()


def tell(job: ImageJob) -> None:
    """Say how a job stands, once that is committed. Returns at once."""
    facts = frame(job.id, state=job.state, progress=job.progress)
    transaction.on_commit(lambda: news.tell({"kind": KIND, "user": job.owner_id, **facts}))


def progress(*, user_id: int, job_id: UUID, part: float, preview: int, note: str) -> None:
    """Say how far a running job is; `preview` counts its previews."""
    facts = frame(job_id, state=ImageJob.State.RUNNING, progress=part)
    news.tell({"kind": KIND, "user": user_id, **facts, "preview": preview, "note": note})


def frame(job_id: UUID, *, state: str, progress: float) -> dict[str, Any]:
    return {"job": str(job_id), "state": str(state), "progress": round(progress, 4)}


class Ears:
    """All sockets of one event loop that want to hear of somebody's jobs."""

    def __init__(self) -> None:
        self.listeners: dict[int, set[Listener]] = {}
        self.listening: asyncio.Task[None] | None = None

    def open(self, user_id: int, listener: Listener) -> None:
        self.listeners.setdefault(user_id, set()).add(listener)
        if self.listening is None or self.listening.done():
            self.listening = asyncio.ensure_future(news.listen(self.hear))

    def close(self, user_id: int, listener: Listener) -> None:
        left = self.listeners.get(user_id, set())
        left.discard(listener)
        if not left:
            self.listeners.pop(user_id, None)

    async def end(self) -> None:
        """Listen no more. A cancellation can get lost inside of the driver, so that it may take several."""
        while self.listening is not None and not self.listening.done():
            self.listening.cancel()
            await asyncio.wait([self.listening], timeout=0.1)

    def hear(self, item: dict[str, Any]) -> None:
        """Pass on what is about a picture, to its owner alone."""
        if item.get("kind") != KIND:
            return
        told = {name: value for name, value in item.items() if name not in {"kind", "user"}}
        for listener in tuple(self.listeners.get(item["user"], ())):
            listener(told)


def ears() -> Ears:
    """Those of the running event loop."""
    return _ears.setdefault(asyncio.get_running_loop(), Ears())
