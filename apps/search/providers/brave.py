"""Brave's search API (https://api-dashboard.search.brave.com/app/documentation)."""

from __future__ import annotations

import html
import re

from apps.search.providers.base import Engine
from apps.search.providers.wire import items_of, json_ask, text_of
from apps.search.values import Result

ADDRESS = "https://api.search.brave.com"
MOST = 20
_TAG = re.compile(r"</?strong>")


class Brave(Engine):
    """Brave, with a key of one's own. Its free plan takes one question a second."""

    kind = "brave"
    per_minute = 60

    def __init__(self, key: str, address: str = ADDRESS) -> None:
        self._key = key
        self._url = f"{address.rstrip('/')}/res/v1/web/search"

    async def search(self, query: str, count: int) -> list[Result]:
        params = {"q": query[:400], "count": str(min(count, MOST))}
        found = await json_ask("Brave", self._url, params=params, headers={"X-Subscription-Token": self._key})
        items = items_of(found, "web", "results")[:count]
        return [Result(text_of(item, "url"), _plain(item, "title"), _plain(item, "description")) for item in items]


def _plain(item: dict[str, object], name: str) -> str:
    """Brave marks the words it found with `<strong>` and escapes the rest."""
    return html.unescape(_TAG.sub("", text_of(item, name)))
