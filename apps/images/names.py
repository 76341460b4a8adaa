"""Names of files: made from the job, so that what an attempt has left can be found by whoever clears up after it."""

from __future__ import annotations

import re
from uuid import UUID

FOLDER = "gallery"
NAME = re.compile(r"[0-9a-f]{32}-\d{1,5}-\d{1,2}\.(?:png|jpg|webp|small\.webp)")
SUFFIXES = ("png", "jpg", "webp")


def picture(job_id: UUID, attempt: int, position: int, suffix: str) -> str:
    return f"{job_id.hex}-{attempt}-{position}.{suffix}"


def thumbnail(job_id: UUID, attempt: int, position: int) -> str:
    return f"{job_id.hex}-{attempt}-{position}.small.webp"


def stored(name: str) -> str:
    """Where the storage keeps it: folders of their own keep each of them small."""
    return f"{FOLDER}/{name[:2]}/{name}"


def of_attempt(job_id: UUID, attempt: int, count: int) -> list[str]:
    """Every name that an attempt can have used."""
    return [
        name
        for position in range(count)
        for name in (
            *(picture(job_id, attempt, position, suffix) for suffix in SUFFIXES),
            thumbnail(job_id, attempt, position),
        )
    ]
