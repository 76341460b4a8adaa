"""Knocks at the configured model servers in the background, so that no question has to find out that one is gone."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from contextlib import suppress

from redis import RedisError

from apps.llm import board
from apps.llm.errors import Loading, ProviderError, TimedOut
from apps.llm.farm import Backend, Condition, Farm, Farms
from apps.llm.settings import LlmSettings

logger = logging.getLogger(__name__)

NOTED = 10.0  # seconds between two notes for those who look at all processes
ROUND = 2.0  # seconds between two looks at who is due
CALM = 15.0  # seconds between two knocks at a server that answers
PATIENCE = 3.0
UNWATCHED = frozenset({"gemini"})  # a service on the internet that counts what it is asked; its library is large


class Watch:
    """One for each process: each learns by itself, in the background, which servers are there.

    A server that does not answer a knock is left alone until it answers one. What a server makes of questions is not
    seen here: a breaker that opened because of bad answers is closed by a good one.
    """

    def __init__(self, settings: LlmSettings, farms: Farms) -> None:
        self._settings, self._farms = settings, farms
        self._process = f"{socket.gethostname()[:60]}/{os.getpid()}"
        self._due: dict[Backend, float] = {}
        self._keeping: asyncio.Task[None] | None = None
        self._noted: tuple[float, list[Condition]] = (0.0, [])

    def begin(self) -> None:
        """Begin in the running loop; harmless to repeat."""
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """End it, where it belongs to the running loop."""
        keeping, self._keeping = self._keeping, None
        if keeping is not None and keeping.get_loop() is asyncio.get_running_loop():
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def look(self) -> None:
        """Knock at all servers that are due, side by side."""
        now = time.monotonic()
        due = [
            (farm, backend)
            for farm in self._watched()
            for backend in farm.backends
            if self._due.get(backend, 0.0) <= now and not backend.heard_within(CALM)
        ]
        await asyncio.gather(*(self._knock(farm, backend) for farm, backend in due))

    def _watched(self) -> list[Farm]:
        """The farms that matter: the configured ones, Ollama where it is used by itself, and those in use."""
        settings = self._settings
        wanted = {settings.ai_model, *settings.ai_fallback, *(farm.kind for farm in self._farms.made())}
        wanted |= {"builtin"} if settings.builtin_model_url else set()
        wanted |= {"openai"} if settings.openai_base_urls else set()
        wanted |= {"ollama"} if settings.ai_model == "auto" and not settings.openai_base_urls else set()
        return [self._farms[kind] for kind in self._farms.kinds if kind in wanted - UNWATCHED]

    async def _keep(self) -> None:
        while True:
            try:
                await self.look()
                await self._note_down()
            except Exception:  # without this nobody would hear any more which servers are there
                logger.exception("The watch over the model servers stumbled and goes on")
            await asyncio.sleep(ROUND)

    async def _note_down(self) -> None:
        """Tell what was found, now and then and when it has changed; without Redis nobody hears it."""
        found = [condition for farm in self._farms.made() for condition in farm.conditions()]
        when, before = self._noted
        same = [(one.state, one.failures) for one in found] == [(one.state, one.failures) for one in before]
        if not self._settings.redis_url or (same and time.monotonic() - when < NOTED):
            return
        self._noted = time.monotonic(), found
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE), board.connect(self._settings.redis_url) as redis:
                await board.note(redis, self._process, found)

    async def _knock(self, farm: Farm, backend: Backend) -> None:
        failure: ProviderError | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                await backend.provider.ready()
        except TimeoutError:
            failure = TimedOut("The model server does not answer.")
        except Loading:
            pass
        except ProviderError as error:
            failure = error
        self._note(farm, backend, failure)

    def _note(self, farm: Farm, backend: Backend, failure: ProviderError | None) -> None:
        was_lost = backend.breaker.is_lost
        if failure is None:
            backend.back()
            if not farm.known:  # from the first question on it shall be known which model answers
                farm.refresh_soon()
        elif not (backend.heard_within(PATIENCE) or backend.is_starting(failure)):
            backend.gone(failure)
        self._due[backend] = time.monotonic() + (CALM if failure is None else 0.0)
        if was_lost != backend.breaker.is_lost:
            farm.forget()
            farm.refresh_soon()
