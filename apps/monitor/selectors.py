"""What the metrics ask the database, all of it cheap however many rows there are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection
from django.db.backends.utils import CursorWrapper

from apps.chat.models import Message
from apps.monitor import alarms
from apps.monitor.models import Alert, Sample

EXACT_UP_TO = 10_000
SOME = "SELECT count(*) FROM (SELECT 1 FROM {} LIMIT %s) AS beginning"
ABOUT = "SELECT n_live_tup FROM pg_stat_user_tables WHERE relid = %s::regclass"

# Only what is not over, all of it in partial indexes: as cheap with a million jobs behind them as with ten.
JOBS = """SELECT (SELECT count(*) FROM images_imagejob WHERE state = 'queued'),
    (SELECT count(*) FROM images_imagejob WHERE state = 'running'),
    (SELECT count(*) FROM voice_recording WHERE finished_at IS NULL),
    (SELECT count(*) FROM chat_turn WHERE state = 'running')"""
JOB_NAMES = ("images_queued", "images_running", "recordings_waiting", "answers_running")

# Seconds that the oldest waits which could be taken now, where nobody works at anything of that queue.
WAITS = """SELECT
    CASE WHEN EXISTS (SELECT 1 FROM images_imagejob WHERE state = 'running') THEN 0
        ELSE (SELECT extract(epoch FROM now() - min(created_at)) FROM images_imagejob WHERE state = 'queued') END,
    CASE WHEN EXISTS (SELECT 1 FROM voice_recording WHERE finished_at IS NULL AND lease_until > now()) THEN 0
        ELSE (SELECT extract(epoch FROM now() - min(created_at)) FROM voice_recording WHERE finished_at IS NULL) END"""


def waits() -> dict[str, float]:
    """How long work has waited in vain, by queue."""
    with connection.cursor() as cursor:
        cursor.execute(WAITS)
        images, voice = cursor.fetchone()
        return {"images": float(images or 0), "voice": float(voice or 0)}


def latest_figures(minutes: int = 3) -> list[dict[str, Any]]:
    """The figures of the last minutes, the newest first."""
    return list(Sample.objects.order_by("-minute").values_list("figures", flat=True)[:minutes])


def alerts_raised() -> list[Alert]:
    """What is wrong now, the newest first."""
    return list(Alert.objects.filter(raised=True, rule__in=list(alarms.BY_NAME)).order_by("-changed_at"))


def counts() -> tuple[int | None, dict[str, int]]:
    """How many messages there are, and what waits or is being worked at now, by kind, in one trip to PostgreSQL.

    Messages are exact for a household, and PostgreSQL's running count beyond. While it is away nobody knows either.
    """
    table = Message._meta.db_table
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"{JOBS}, ({SOME.format(connection.ops.quote_name(table))})", [EXACT_UP_TO])
            *jobs, exact = cursor.fetchone()
            return _messages(cursor, table, exact), dict(zip(JOB_NAMES, jobs, strict=True))
    except DatabaseError:
        return None, {}


def _messages(cursor: CursorWrapper, table: str, exact: int) -> int:
    if exact < EXACT_UP_TO:
        return exact
    cursor.execute(ABOUT, [table])
    (about,) = cursor.fetchone()
    return max(int(about), EXACT_UP_TO)


def samples_since(*, since: datetime) -> list[Sample]:
    """The figures of every minute since then, oldest first."""
    return list(Sample.objects.filter(minute__gte=since).order_by("minute"))
