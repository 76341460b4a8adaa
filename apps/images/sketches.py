"""Previews of pictures that are being drawn: small, in Redis, for a quarter of an hour. Losing one costs nothing."""

from __future__ import annotations

import logging
from uuid import UUID

from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
KEPT_SECONDS = 900
LARGEST = 512 * 1024
TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
Away = (RedisError, OSError)


def keep(*, job_id: UUID, user_id: int, content: bytes) -> bool:
    """Keep the newest preview of a job; False where it cannot be kept, or is no picture."""
    if len(content) > LARGEST or kind(content) is None:
        return False
    try:
        cache.set(_key(job_id), (user_id, content), KEPT_SECONDS)
    except Away:
        return False
    return True


def find(*, job_id: UUID, user_id: int) -> bytes | None:
    """The newest preview of a job of this user."""
    try:
        found = cache.get(_key(job_id))
    except Away:
        return None
    return found[1] if found and found[0] == user_id else None


def forget(*, job_id: UUID) -> None:
    try:
        cache.delete(_key(job_id))
    except Away:
        logger.info("A preview was not removed, since Redis does not answer.")


def kind(content: bytes) -> str | None:
    """The type of a picture, by how it begins."""
    return next((name for mark, name in TYPES.items() if content.startswith(mark)), None)


def _key(job_id: UUID) -> str:
    return f"images:sketch:{job_id}"
