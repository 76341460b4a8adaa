"""SearXNG's JSON API (https://docs.searxng.org/dev/search_api.html)."""

from __future__ import annotations

from apps.search.providers.base import Engine
from apps.search.providers.wire import items_of, json_ask, text_of
from apps.search.values import Result


class SearXNG(Engine):
    """A SearXNG of one's own; its settings must allow the format json."""

    kind = "searxng"
    per_minute = 120

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/search"

    async def search(self, query: str, count: int) -> list[Result]:
        found = await json_ask("SearXNG", self._url, params={"q": query, "format": "json", "categories": "general"})
        items = items_of(found, "results")[:count]
        return [Result(text_of(item, "url"), text_of(item, "title"), text_of(item, "content")) for item in items]
