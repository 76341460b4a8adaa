"""DuckDuckGo, and who stands in for it, through the package `ddgs`: no key, and strict limits.

The package's own façade hides why nothing was found; we use the engines it is made of, so that the status 202 with
which DuckDuckGo limits is told from an empty answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from apps.search.providers.base import Engine, EngineAway, EngineError, EngineGarbled, EngineLimited
from apps.search.values import Result

SECONDS = 4
ALL_SECONDS = 7.0  # for all engines of the package together
THREADS = 4
NAMES = ("duckduckgo", "mojeek", "brave")  # by the package's names, in this order
LIMITED = frozenset({202, 403, 429})


class DuckDuckGo(Engine):
    """The default where nothing is set up. `addresses` put other servers in the place of the real ones, for tests."""

    kind = "ddgs"
    per_minute = 20

    def __init__(self, addresses: Mapping[str, str] | None = None) -> None:
        self._addresses = addresses

    async def search(self, query: str, count: int) -> list[Result]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(ALL_SECONDS):
                return await loop.run_in_executor(_threads(), self._search, query, count)
        except TimeoutError as error:
            raise EngineAway("DuckDuckGo did not answer in time.") from error

    def _search(self, query: str, count: int) -> list[Result]:
        first: EngineError | None = None
        for name in self._addresses or NAMES:
            try:
                return _ask(name, (self._addresses or {}).get(name, ""), query)[:count]
            except EngineError as error:
                first = first or error
        raise first or EngineAway("No engine of ddgs is there.")


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="ddgs")


@cache
def _engines() -> Mapping[str, Any]:
    """The package's engines by name, each noting the status it was answered with. Imported at first use: 0.2 s."""
    from ddgs.engines import ENGINES

    return {name: _watching(kind) for name, kind in ENGINES["text"].items() if name in NAMES}


def _watching(kind: Any) -> Any:
    def request(self: Any, *arguments: Any, **named: Any) -> str | None:
        response = self.http_client.request(*arguments, **named)
        self.status = response.status_code
        return response.text if response.status_code == 200 else None

    return type(f"Watching{kind.__name__}", (kind,), {"request": request, "status": 0})


def _ask(name: str, address: str, query: str) -> list[Result]:
    from ddgs.exceptions import DDGSException, TimeoutException
    from lxml.etree import LxmlError

    kind = _engines().get(name)
    if kind is None:
        raise EngineAway(f"The package ddgs knows no {name} any more.")
    engine = kind(timeout=SECONDS)
    engine.search_url = address or engine.search_url
    try:
        found = engine.search(query, region="wt-wt")
    except TimeoutException as error:
        raise EngineAway(f"{name} did not answer in {SECONDS} s.") from error
    except DDGSException as error:
        raise EngineAway(f"{name} cannot be reached.") from error
    except (LxmlError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise EngineGarbled(f"{name} sent something else than results.") from error
    if engine.status in LIMITED:
        raise EngineLimited(f"{name} takes no more questions right now.")
    if engine.status != 200:
        raise EngineAway(f"{name} answered with status {engine.status}.")
    return [Result(str(item.href), str(item.title), str(item.body)) for item in found or []]
