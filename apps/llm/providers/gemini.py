"""Google's Gemini: when its library is loaded and asked. What knows that library is `gemini_library.py` alone."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from apps.llm.errors import Refused, TimedOut
from apps.llm.events import Event, Finished
from apps.llm.messages import Call
from apps.llm.providers.base import ModelInfo, Provider, Timeouts
from apps.llm.providers.gemini_failures import KEY_HINT
from apps.llm.providers.gemini_line import Line, the_only
from apps.llm.settings import LlmSettings

if TYPE_CHECKING:
    from apps.llm.providers.gemini_library import Account

Piece = TypeVar("Piece")

LIST_PATIENCE = 10.0

_loading = threading.Lock()


class Gemini(Provider):
    """One key at one address. The library blocks, so each answer is read in a thread of its own."""

    kind = "gemini"

    def __init__(self, api_key: str, *, base_url: str = "", timeouts: Timeouts | None = None) -> None:
        parts = urlsplit(base_url)
        port = f":{parts.port}" if parts.port else ""
        self.where = f"Gemini server at {parts.hostname}{port}" if base_url else "Gemini service"
        self.timeouts = timeouts or Timeouts()
        self._api_key, self._base_url = api_key, base_url.rstrip("/")
        self._account: Account | None = None

    async def stream(self, call: Call) -> AsyncGenerator[Event, None]:
        account = await self._loaded()
        line = Line(partial(account.answer, call))
        try:
            async with aclosing(line.pieces(first=self.timeouts.first, silence=self.timeouts.silence)) as pieces:
                async for events in pieces:
                    for event in events:
                        yield event
                    if isinstance(events[-1], Finished):
                        await line.drained()
                        return
        except TimeoutError:
            raise TimedOut(f"The {self.where} fell silent.") from None

    async def models(self) -> list[ModelInfo]:
        account = await self._loaded()
        return await self._asked(account.models)

    async def ready(self) -> bool:
        account = await self._loaded()
        return await self._asked(account.reachable)

    async def close(self) -> None:
        if self._account is not None:
            self._account.close()

    async def _asked(self, question: Callable[[], Generator[Piece, None, None]]) -> Piece:
        try:
            return await the_only(Line(question), patience=min(LIST_PATIENCE, self.timeouts.first))
        except TimeoutError:
            raise TimedOut(f"The {self.where} did not answer in time.") from None

    async def _loaded(self) -> Account:
        """The library with our key in it. Its import takes seconds, the first time, beside the loop."""
        if not (self._api_key.isascii() and self._api_key.isprintable()):
            raise Refused("The key for Gemini has characters in it that no key has.", hint=KEY_HINT)
        if self._account is None:
            self._account = await asyncio.to_thread(self._load)
        return self._account

    def _load(self) -> Account:
        with _loading:
            if self._account is None:
                make = library().Account
                self._account = make(self._api_key, self._base_url, self.where, self.timeouts)
            return self._account


def library() -> ModuleType:
    """The module that knows Google's library, imported at first use. Takes seconds then."""
    with warnings.catch_warnings():
        # The library tells at each import that it is no longer developed: docs/decisions.md knows.
        warnings.simplefilter("ignore")
        return import_module("apps.llm.providers.gemini_library")


def gemini(settings: LlmSettings) -> list[Provider]:
    """One provider where GEMINI_API_KEY is set."""
    key = settings.gemini_api_key
    return [Gemini(key, base_url=settings.gemini_base_url)] if key else []
