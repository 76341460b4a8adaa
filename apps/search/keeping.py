"""What is kept in Redis for an hour: pages for everybody, findings and answers for their owner alone.

Redis being away costs the saving and nothing else. A value names its owner, who is compared when it is read, so that
nothing that went wrong underneath can show one person's search to another.
"""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import asdict
from typing import Any

import orjson
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from apps.core.database import in_database
from apps.search.values import Findings, Page, Passage, Source, State

logger = logging.getLogger(__name__)
VERSION = 1
NOBODY = 0  # the owner of what was fetched without anybody's cookies
REST = 5.0
_away = {"until": 0.0}


async def page_get(url: str) -> Page | None:
    """A page that somebody has read within the hour."""
    found = await in_database(_get, _key("page", NOBODY, url), NOBODY)
    return Page(**{**found, "state": State(found["state"])}) if found else None


async def page_put(url: str, page: Page) -> None:
    await in_database(_put, _key("page", NOBODY, url), NOBODY, asdict(page))


async def robots_get(site: str) -> str | None:
    """What a site asked of robots within the hour."""
    found = await in_database(_get, _key("robots", NOBODY, site), NOBODY)
    return str(found["text"]) if found else None


async def robots_put(site: str, text: str) -> None:
    await in_database(_put, _key("robots", NOBODY, site), NOBODY, {"text": text})


async def findings_get(user_id: int, asked: str) -> Findings | None:
    """What this person found for the same question within the hour."""
    found = await in_database(_get, _key("findings", user_id, asked), user_id)
    return _findings(found) if found else None


async def findings_put(user_id: int, asked: str, findings: Findings) -> None:
    await in_database(_put, _key("findings", user_id, asked), user_id, asdict(findings))


async def answer_get(user_id: int, asked: str) -> dict[str, Any] | None:
    """What was answered this person to the same question within the hour."""
    return await in_database(_get, _key("answer", user_id, asked), user_id)


async def answer_put(user_id: int, asked: str, answer: dict[str, Any]) -> None:
    await in_database(_put, _key("answer", user_id, asked), user_id, answer)


def _key(kind: str, user_id: int, text: str) -> str:
    return f"search:{VERSION}:{kind}:{user_id}:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"


def _get(key: str, owner: int) -> dict[str, Any] | None:
    if time.monotonic() < _away["until"] or not settings.CACHE_TTL:
        return None
    try:
        raw = cache.get(key)
        value = orjson.loads(raw) if raw else None
    except (RedisError, OSError) as error:
        _rest(error)
        return None
    except orjson.JSONDecodeError:
        return None
    return value["value"] if isinstance(value, dict) and value.get("owner") == owner else None


def _put(key: str, owner: int, value: dict[str, Any]) -> None:
    if time.monotonic() < _away["until"] or not settings.CACHE_TTL:
        return
    try:
        cache.set(key, orjson.dumps({"owner": owner, "value": value}), settings.CACHE_TTL)
    except (RedisError, OSError) as error:
        _rest(error)


def _rest(error: Exception) -> None:
    logger.info("Searches are not kept for a while, since Redis does not answer: %s", type(error).__name__)
    _away["until"] = time.monotonic() + REST


def _findings(value: dict[str, Any]) -> Findings:
    sources = [
        Source(
            item["number"],
            Page(**{**item["page"], "state": State(item["page"]["state"])}),
            item["snippet"],
            [Passage(**{key: part[key] for key in ("start", "end", "text", "score")}) for part in item["passages"]],
        )
        for item in value["sources"]
    ]
    return Findings(value["query"], value["engine"], sources, value["offline"], True, value["note"])


def asked_key(query: str, urls: list[str], extra: str = "") -> str:
    """The same question about the same pages, however it is spaced and capitalised."""
    return "\n".join((" ".join(query.casefold().split()), *sorted(urls), extra))
