"""Texts as vectors, over the wires of OpenAI and of Ollama: one question, one answer in one piece."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from apps.llm.errors import Garbled, TimedOut
from apps.llm.providers.failures import TRANSPORT_ERRORS, failure_of_exception, failure_of_status
from apps.llm.providers.resending import resent

BODY_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Embedding:
    """One vector for each text, in their order, and the tokens that they were."""

    model: str
    vectors: Sequence[Sequence[float]]
    tokens: int


@dataclass(frozen=True, slots=True)
class Server:
    """Where to ask; `seconds` is all the time there is."""

    session: aiohttp.ClientSession
    url: str
    where: str
    headers: Mapping[str, str]
    seconds: float


async def openai_embedding(server: Server, model: str, texts: Sequence[str]) -> Embedding:
    """`POST /v1/embeddings`. Raises a `ProviderError`."""
    found = await _asked(server, {"model": model, "input": list(texts), "encoding_format": "float"})
    items = found.get("data")
    if not isinstance(items, list):
        raise _garbled(server)
    ordered = sorted((item for item in items if isinstance(item, dict)), key=lambda item: int(item.get("index") or 0))
    vectors = _vectors(server, [item.get("embedding") for item in ordered], len(texts))
    usage = found.get("usage")
    return Embedding(model, vectors, _count(usage.get("prompt_tokens") if isinstance(usage, dict) else 0))


async def ollama_embedding(server: Server, model: str, texts: Sequence[str]) -> Embedding:
    """`POST /api/embed`. Raises a `ProviderError`."""
    found = await _asked(server, {"model": model, "input": list(texts), "truncate": False})
    vectors = _vectors(server, found.get("embeddings"), len(texts))
    return Embedding(model, vectors, _count(found.get("prompt_eval_count")))


async def _asked(server: Server, body: dict[str, Any]) -> dict[str, Any]:
    try:
        async with (
            asyncio.timeout(server.seconds),
            await resent(lambda: _post(server, orjson.dumps(body))) as response,
        ):
            raw = await _body(server, response)
    except TimeoutError as error:
        raise TimedOut(f"The {server.where} did not answer in time.") from error
    except TRANSPORT_ERRORS as error:
        raise failure_of_exception(error, server.where) from error
    if response.status >= 300:
        raise failure_of_status(response.status, raw, response.headers, server.where)
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _garbled(server) from error
    if not isinstance(found, dict):
        raise _garbled(server)
    return found


async def _post(server: Server, body: bytes) -> aiohttp.ClientResponse:
    return await server.session.post(server.url, data=body, headers=dict(server.headers), allow_redirects=False)


async def _body(server: Server, response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > BODY_LIMIT:
            raise _garbled(server)
    return b"".join(parts)


def _vectors(server: Server, value: object, count: int) -> list[list[float]]:
    if not isinstance(value, list) or len(value) != count or not all(_is_vector(item) for item in value):
        raise _garbled(server)
    return value


def _is_vector(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(number, int | float) for number in value)


def _count(value: object) -> int:
    return value if type(value) is int and value > 0 else 0


def _garbled(server: Server) -> Garbled:
    return Garbled(f"The {server.where} sent something that are no embeddings.")
