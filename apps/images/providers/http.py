"""HTTP for engines: one session each, errors in our words, and bodies that end somewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import orjson

from apps.images.errors import EngineAway, EngineError, EngineGarbled, EngineRefused

BODY_LIMIT = 96 * 1024 * 1024
EXCERPT = 300
CONNECT_SECONDS = 4.0


class Line:
    """The connections to one server. Addresses come from the settings, so that this machine may be meant."""

    def __init__(self, where: str, headers: dict[str, str] | None = None) -> None:
        self.where = where
        self._headers = {"User-Agent": "Nitro", **(headers or {})}
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, method: str, url: str, payload: Any = None, *, seconds: float | None = None) -> Any:
        """The JSON that the server answers. Without `seconds` it may take as long as the caller waits."""
        limits = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        try:
            async with self.session().request(
                method, url, json=payload, timeout=limits, allow_redirects=False
            ) as response:
                return self._read(response.status, await body_of(response))
        except (TimeoutError, aiohttp.ClientConnectionError) as error:
            raise EngineAway(f"No connection to the {self.where}, or it broke.") from error
        except (aiohttp.ClientError, aiohttp.http_exceptions.HttpProcessingError, ValueError) as error:
            raise EngineGarbled(f"The {self.where} sent something that is not an answer.") from error

    def session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(headers=self._headers, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _read(self, status: int, raw: bytes) -> Any:
        if status >= 300:
            raise self._failure(status, raw)
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise EngineGarbled(f"The {self.where} sent something that is not JSON.") from error

    def _failure(self, status: int, raw: bytes) -> EngineError:
        said = message_of(raw)
        told = f"The {self.where} answered with error {status}" + (f": {said}" if said else ".")
        if status < 400 or status == 404:
            return EngineGarbled(told)
        if status in {401, 403}:
            return EngineRefused(told, hint="Check the key or password of the engine in the settings.")
        if status in {400, 413, 422}:
            return EngineRefused(told)
        return EngineError(told)


async def body_of(response: aiohttp.ClientResponse) -> bytes:
    """All of an answer's body; raises `ValueError` where that is more than a picture can be."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > BODY_LIMIT:
            raise ValueError("too long an answer")
        parts.append(part)
    return b"".join(parts)


def message_of(raw: bytes) -> str:
    """The sentence in an error's JSON, in whichever of the usual places it stands."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return ""
    for name in ("error", "detail", "errors", "message"):
        inner = found.get(name) if isinstance(found, dict) else None
        if isinstance(inner, dict):
            inner = inner.get("message")
        if isinstance(inner, str) and inner:
            return " ".join(inner.split())[:EXCERPT]
    return ""


async def pause(seconds: float) -> None:
    """Wait a moment between two looks."""
    await asyncio.sleep(seconds)
