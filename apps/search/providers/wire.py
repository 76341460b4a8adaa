"""HTTP for search engines: one short request, one JSON answer, and our own words for what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from apps.search.providers.base import EngineAway, EngineGarbled, EngineLimited, EngineRefused

SECONDS = 6.0
BODY_LIMIT = 4 * 1024 * 1024
LIMITED = frozenset({202, 429})
REFUSED = frozenset({401, 403, 404, 405})


async def json_ask(
    name: str,
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """The JSON object behind an address of the engine `name`. Raises an `EngineError`."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    method, data = ("GET", None) if body is None else ("POST", orjson.dumps(body))
    sent = {"Accept": "application/json", "User-Agent": "Nitro", **(headers or {})}
    if data is not None:
        sent["Content-Type"] = "application/json"
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, url, params=params, headers=sent, data=data, allow_redirects=False) as response,
        ):
            raw = await _body(response)
            return _value(name, response, raw)
    except TimeoutError as error:
        raise EngineAway(f"{name} did not answer in {seconds:g} s.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise EngineAway(f"{name} cannot be reached.") from error


async def _body(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > BODY_LIMIT:
            break
    return b"".join(parts)


def _value(name: str, response: aiohttp.ClientResponse, raw: bytes) -> dict[str, Any]:
    status = response.status
    if status in LIMITED:
        raise EngineLimited(f"{name} takes no more questions right now.", retry_after=_seconds(response))
    if status in REFUSED:
        raise EngineRefused(f"{name} refused the question with status {status}.")
    if status != 200:
        raise EngineAway(f"{name} answered with status {status}.")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise EngineGarbled(f"{name} sent something that is not JSON.") from error
    if not isinstance(value, dict):
        raise EngineGarbled(f"{name} sent JSON of another shape.")
    return value


def _seconds(response: aiohttp.ClientResponse) -> float | None:
    said = response.headers.get("Retry-After", "")
    return float(said) if said.isdigit() and len(said) < 6 else None


def items_of(value: object, *path: str) -> list[dict[str, Any]]:
    """The objects in the list at a path of a JSON value; none where the shape is another."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(item: Mapping[str, Any], name: str) -> str:
    """A text field, empty where it is missing or something else."""
    value = item.get(name)
    return value if isinstance(value, str) else ""
