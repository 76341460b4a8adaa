"""What the metrics ask the database, all of it cheap however many rows there are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection

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


def jobs_open() -> dict[str, int]:
    """What waits or is being worked at now, by kind; nothing where PostgreSQL is away."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(JOBS)
            return dict(zip(JOB_NAMES, cursor.fetchone(), strict=True))
    except DatabaseError:
        return {}


def messages_total() -> int | None:
    """How many messages there are: exact for a household, PostgreSQL's running count beyond; None while it is away."""
    table = Message._meta.db_table
    try:
        with connection.cursor() as cursor:
            cursor.execute(SOME.format(connection.ops.quote_name(table)), [EXACT_UP_TO])
            (exact,) = cursor.fetchone()
            if exact < EXACT_UP_TO:
                return int(exact)
            cursor.execute(ABOUT, [table])
            (about,) = cursor.fetchone()
            return max(int(about), EXACT_UP_TO)
    except DatabaseError:
        return None


def samples_since(*, since: datetime) -> list[Sample]:
    """The figures of every minute since then, oldest first."""
    return list(Sample.objects.filter(minute__gte=since).order_by("minute"))
