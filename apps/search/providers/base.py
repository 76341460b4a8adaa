"""The one interface behind which every search engine stands. Nothing here knows Django or a database."""

from __future__ import annotations

from abc import ABC, abstractmethod

from apps.core.errors import NitroError
from apps.search.values import Result


class EngineError(NitroError):
    """A search engine failed; the next one may still answer."""

    code = "engine_error"
    status = 502
    permanent = False
    hint = "Try again in a moment, or choose another SEARCH_ENGINE."


class EngineAway(EngineError):
    """No connection, or no answer in time."""

    code = "engine_away"


class EngineLimited(EngineError):
    """It takes no more questions for a while; `retry_after` says for how many seconds, where it told so."""

    code = "engine_limited"
    status = 429
    hint = "This engine limits how often one may ask. Set up another one, or wait a moment."


class EngineRefused(EngineError):
    """A wrong key, or a switch that is off."""

    code = "engine_refused"
    permanent = True
    hint = "Look at the engine's key and address in the settings."


class EngineGarbled(EngineError):
    """What came back is not what the protocol promises."""

    code = "engine_garbled"


class Engine(ABC):
    """One search engine. Instances are shared by all searches of a process."""

    kind: str
    per_minute: int  # questions that one process asks at most

    @abstractmethod
    async def search(self, query: str, count: int) -> list[Result]:
        """At most `count` results, best first, none where there are none. Raises an `EngineError`."""
