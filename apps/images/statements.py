"""The statements of the queue that need PostgreSQL's own words: taking the next job, and who stands where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

# The next one is of whoever has waited longest since a job of theirs began: many orders of one person never keep the
# others waiting. Of several that ask at once each gets another one.
CLAIM = """
UPDATE images_imagejob SET state = 'running', worker = %(worker)s, lease_until = %(lease)s, progress = 0,
    attempts = attempts + 1, started_at = %(now)s
WHERE id = (
    SELECT job.id FROM images_imagejob job
    LEFT JOIN LATERAL (
        SELECT other.started_at FROM images_imagejob other
        WHERE other.owner_id = job.owner_id AND other.started_at IS NOT NULL
        ORDER BY other.started_at DESC LIMIT 1
    ) last ON TRUE
    WHERE job.state = 'queued'
    ORDER BY last.started_at ASC NULLS FIRST, job.created_at, job.id
    LIMIT 1 FOR UPDATE OF job SKIP LOCKED
) AND state = 'queued'
RETURNING id
"""

PLACES = """
SELECT id, place FROM (
    SELECT id, row_number() OVER (ORDER BY turn, created_at, id) AS place FROM (
        SELECT id, created_at, row_number() OVER (PARTITION BY owner_id ORDER BY created_at, id) AS turn
        FROM images_imagejob WHERE state = 'queued'
    ) turns
) places WHERE id = ANY(%(ids)s)
"""


def claim(*, worker: str, now: datetime, lease: datetime) -> UUID | None:
    """Take the next job; None where nothing waits."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"worker": worker, "now": now, "lease": lease})
        row = cursor.fetchone()
    return row[0] if row else None


def places(*, ids: Sequence[UUID]) -> dict[UUID, int]:
    """The places of waiting jobs, counted from 1."""
    with connection.cursor() as cursor:
        cursor.execute(PLACES, {"ids": list(ids)})
        return dict(cursor.fetchall())
