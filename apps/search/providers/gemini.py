"""Google's search by way of Gemini's grounding (https://ai.google.dev/gemini-api/docs/google-search)."""

from __future__ import annotations

from apps.search.providers.base import Engine
from apps.search.providers.wire import items_of, json_ask, text_of
from apps.search.values import Result

ADDRESS = "https://generativelanguage.googleapis.com"
FORWARDER = "https://vertexaisearch.cloud.google.com/"  # tells of pages by addresses that only lead to them
SECONDS = 12.0  # it searches and writes before it answers


class Gemini(Engine):
    """Asks Gemini to search, and takes the pages that it rests on; its own words are not used."""

    kind = "gemini"
    per_minute = 30

    def __init__(self, key: str, model: str, address: str = "") -> None:
        self._key = key
        self._url = f"{(address or ADDRESS).rstrip('/')}/v1beta/models/{model}:generateContent"

    async def search(self, query: str, count: int) -> list[Result]:
        body = {
            "contents": [{"role": "user", "parts": [{"text": f"Search the web for: {query}"}]}],
            "tools": [{"google_search": {}}],
            "generationConfig": {"maxOutputTokens": 400},
        }
        found = await json_ask("Gemini", self._url, headers={"x-goog-api-key": self._key}, body=body, seconds=SECONDS)
        candidates = items_of(found, "candidates")
        metadata = candidates[0].get("groundingMetadata") if candidates else None
        chunks = [chunk["web"] for chunk in items_of(metadata, "groundingChunks") if isinstance(chunk.get("web"), dict)]
        said = _said(metadata)
        results = [
            Result(url, text_of(web, "title"), said.get(at, ""), forwards=url.startswith(FORWARDER))
            for at, web in enumerate(chunks)
            for url in [text_of(web, "uri")]
        ]
        return results[:count]


def _said(metadata: object) -> dict[int, str]:
    """For each page the first piece of the answer that rests on it: the nearest thing to a snippet."""
    found: dict[int, str] = {}
    for part in items_of(metadata, "groundingSupports"):
        segment = part.get("segment")
        text = text_of(segment, "text") if isinstance(segment, dict) else ""
        indices = part.get("groundingChunkIndices")
        for index in indices if isinstance(indices, list) else []:
            if isinstance(index, int) and text:
                found.setdefault(index, text)
    return found
