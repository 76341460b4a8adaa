"""Carries downloads of models: in a web process, for as long as it takes, shared by all who look on.

A download is a row (`models.Pull`). Every web process looks for rows that nobody carries, takes one by a lease and lets
Ollama fetch the model; what is said about it goes to every open page as news, at most four times a second. When the
process dies another one goes on with it, and Ollama with the bytes that it has.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
import uuid
from collections.abc import Callable
from contextlib import aclosing, suppress
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from apps.core import news
from apps.core.database import in_database
from apps.core.errors import DatabaseAway, NitroError
from apps.core.unceasing import unceasing
from apps.llm import selectors, services
from apps.llm.models import Pull
from apps.llm.router import router
from apps.llm.services import Progress
from apps.llm.sources import Source, source_of

logger = logging.getLogger(__name__)
KIND = "pull"
MODELS = "models"
LOOK_SECONDS = 5.0
NEWS_SECONDS = 0.25
SAVE_SECONDS = 1.0
KEPT = timedelta(days=30)
Find = Callable[[str], Source]


def frame(pull: Pull) -> dict[str, Any]:
    """What pages and programs hear of a download."""
    told: dict[str, Any] = {
        "kind": KIND,
        "id": str(pull.pk),
        "name": pull.name,
        "state": str(pull.state),
        "status": pull.status,
        "completed": pull.completed,
        "total": pull.total,
    }
    if pull.error_code:
        told["error"] = {"code": pull.error_code, "message": pull.error_message, "hint": pull.error_hint}
    return told


async def announce(pull: Pull) -> None:
    """Tell everybody how a download is; a new one is taken up at once by some web process."""
    await news.publish(frame(pull))


async def models_changed() -> None:
    """Every process forgets what it knew of the models, and every page may look again."""
    router().models_changed()
    await news.publish({"kind": MODELS})


class Carrier:
    """Carries the downloads that this process has taken. One per event loop."""

    def __init__(self, find: Find = source_of) -> None:
        self.holder = f"{socket.gethostname()[:60]}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self.carried: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._find = find
        self._wanted = asyncio.Event()

    def hear(self, item: dict[str, Any]) -> None:
        """News of this and the other processes."""
        if item.get("kind") == KIND and item.get("state") == Pull.State.QUEUED:
            self._wanted.set()
        elif item.get("kind") == MODELS:
            router().models_changed()

    async def run(self) -> None:
        """Look for downloads to carry, for ever."""
        while True:
            self._wanted.clear()
            try:
                await self.look()
            except DatabaseAway as error:
                logger.info("Downloads wait: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wanted.wait()

    async def look(self) -> None:
        """Take what nobody carries."""
        for pull_id in await in_database(_unattended):
            if pull_id in self.carried:
                continue
            now = timezone.now()
            pull = await in_database(services.pull_claim, pull_id=pull_id, holder=self.holder, now=now)
            if pull is not None:
                task = self.carried[pull_id] = asyncio.create_task(self._carry(pull))
                task.add_done_callback(partial(self._gone, pull_id))

    def _gone(self, pull_id: uuid.UUID, _: asyncio.Task[None]) -> None:
        self.carried.pop(pull_id, None)

    async def close(self) -> None:
        """Lay everything down, for other processes to go on with."""
        tasks = list(self.carried.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry(self, pull: Pull) -> None:
        try:
            await Carried(pull, self._find(pull.name), self.holder).run()
        except asyncio.CancelledError:
            with suppress(DatabaseAway):
                await asyncio.shield(in_database(services.pull_let_go, pull_id=pull.pk, holder=self.holder))
            raise
        except DatabaseAway:
            logger.info("The download of %s goes on once the database is back", pull.name)
        except NitroError as failure:  # nobody to fetch it from
            await finish(pull, self.holder, Progress(), failure)
        except Exception:  # else the row would be carried again and again
            logger.exception("The download of %s stumbled", pull.name)
            defect = NitroError("The download stumbled; the log says more.")
            await finish(pull, self.holder, Progress(), defect)


class Carried:
    """One download on its way."""

    def __init__(self, pull: Pull, source: Source, holder: str) -> None:
        self.pull, self.source, self.holder = pull, source, holder
        self.progress = self._told = Progress(pull.status, pull.completed, pull.total)
        self._saved = float("-inf")

    async def run(self) -> None:
        """Fetch to the end, or until it is cancelled; the end is written and told. Raises `DatabaseAway`."""
        fetching = asyncio.create_task(self._fetch())
        try:
            await self._watch(fetching)
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)
            await self.source.close()
        failure = None if fetching.cancelled() else fetching.exception()
        if failure is not None and not isinstance(failure, NitroError):
            raise failure
        await finish(self.pull, self.holder, self.progress, failure)

    async def _fetch(self) -> None:
        async with aclosing(self.source.pull(self.pull.name)) as steps:
            async for step in steps:
                self.progress = step

    async def _watch(self, fetching: asyncio.Task[None]) -> None:
        """Tell and save how far it is until it ends, is cancelled, or somebody else carries it."""
        while not fetching.done():
            await asyncio.wait([fetching], timeout=NEWS_SECONDS)
            if self._told != self.progress and not fetching.done():
                self._told = self.progress
                await announce(self._current())
            if time.monotonic() - self._saved >= SAVE_SECONDS:
                self._saved = time.monotonic()
                if not await self._save():
                    return

    async def _save(self) -> bool:
        """Whether to go on; while the database is away nobody else could take it."""
        pull_id, now = self.pull.pk, timezone.now()
        try:
            return await in_database(
                services.pull_carry_on, pull_id=pull_id, holder=self.holder, progress=self.progress, now=now
            )
        except DatabaseAway:
            return True

    def _current(self) -> Pull:
        self.pull.status = self.progress.status
        self.pull.completed, self.pull.total = self.progress.completed, self.progress.total
        return self.pull


async def finish(pull: Pull, holder: str, progress: Progress, failure: NitroError | None = None) -> None:
    """Write and tell the end of a download, unless somebody else carries it by now. Raises `DatabaseAway`."""
    ended = await in_database(services.pull_finish, pull_id=pull.pk, holder=holder, progress=progress, failure=failure)
    if ended is None:
        return
    if ended.state == Pull.State.DONE:
        await models_changed()
    await announce(ended)
    await in_database(services.pulls_forget, before=timezone.now() - KEPT)


def _unattended() -> list[uuid.UUID]:
    return list(selectors.pulls_unattended(now=timezone.now()).values_list("pk", flat=True))


class _Process:
    """What this process has begun."""

    carrier: Carrier | None = None
    tasks: set[asyncio.Task[None]] = set()


def begin() -> None:
    """Carry downloads in the running loop from now on, and hear when models have changed."""
    carrier = _Process.carrier = Carrier()
    for work in (carrier.run, partial(news.listen, carrier.hear)):
        task = asyncio.get_running_loop().create_task(unceasing(work, "The carrying of downloads"))
        _Process.tasks.add(task)


async def end() -> None:
    """Take no more downloads, and lay those down that are carried: another process goes on with them at once."""
    for task in _Process.tasks:
        task.cancel()
    await asyncio.gather(*_Process.tasks, return_exceptions=True)
    _Process.tasks.clear()
    carrier, _Process.carrier = _Process.carrier, None
    if carrier is not None:
        await carrier.close()
