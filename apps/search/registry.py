"""Which engines there are: a name and where its builder lives, imported at first use; and the chain of this process."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from apps.core import windows
from apps.core.database import in_database
from apps.core.memory import MemoryAway
from apps.core.windows import Rate
from apps.search.chain import Chain
from apps.search.providers.base import Engine
from apps.search.resting import SharedRests

LIBRARY = "library"


def _searxng() -> Engine | None:
    from apps.search.providers.searxng import SearXNG

    return SearXNG(settings.SEARXNG_URL) if settings.SEARXNG_URL else None


def _brave() -> Engine | None:
    from apps.search.providers.brave import Brave

    return Brave(settings.BRAVE_API_KEY) if settings.BRAVE_API_KEY else None


def _gemini() -> Engine | None:
    from apps.search.providers.gemini import Gemini

    if not settings.GEMINI_API_KEY:
        return None
    return Gemini(settings.GEMINI_API_KEY, settings.GEMINI_MODEL, settings.GEMINI_BASE_URL)


def _ddgs() -> Engine | None:
    from apps.search.providers.duckduckgo import DuckDuckGo

    return DuckDuckGo()


BUILDERS: dict[str, Callable[[], Engine | None]] = {
    "searxng": _searxng,
    "brave": _brave,
    "gemini": _gemini,
    "ddgs": _ddgs,
}


def engines() -> list[Engine]:
    """What the settings name, in the order in which it is asked; none where only the own library is wanted."""
    wanted = settings.SEARCH_ENGINE
    if wanted == LIBRARY:
        return []
    kinds = list(BUILDERS) if wanted == "auto" else [wanted]
    return [engine for kind in kinds if (engine := BUILDERS[kind]()) is not None]


async def everywhere(engine: Engine) -> float:
    """Seconds until an engine may be asked again by any process of this Nitro; it is counted where that is 0."""
    try:
        return await in_database(windows.admit, {f"engine:{engine.kind}": Rate(engine.per_minute, 60)})
    except MemoryAway:
        return 0.0


class _Process:
    chain: Chain | None = None


def chain() -> Chain:
    """The one chain of this process."""
    if _Process.chain is None:
        _Process.chain = Chain(engines(), everywhere, SharedRests())
    return _Process.chain


def use(replacement: Chain | None) -> Chain | None:
    """Put another chain in the place of this process's, for tests; None lets the next use make a new one."""
    before, _Process.chain = _Process.chain, replacement
    return before
