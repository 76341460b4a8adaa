"""The nightly cleanup: what will be let go is announced a night before; then it is hidden; then its app removes it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from apps.core import retention
from apps.monitor.models import Cleanup

NIGHT = timedelta(hours=20)  # between two cleanups, however late each of them begins
KEPT = timedelta(days=365)
LOCK_NUMBER = 0x636C65616E  # "clean"; the number of PostgreSQL's advisory lock


def idle_before(now: datetime) -> datetime:
    """Whatever was used before this may go."""
    return now - timedelta(days=settings.SESSION_RETENTION_DAYS)


def is_on() -> bool:
    """SESSION_RETENTION_DAYS=0 keeps everything for ever."""
    return bool(settings.SESSION_RETENTION_DAYS > 0)


def preview(now: datetime) -> dict[str, int]:
    """What a cleanup at that time would hide."""
    return retention.idle(idle_before(now)) if is_on() else {}


def clean_up(now: datetime) -> Cleanup | None:
    """Do the night's work, once a night however many ask for it; None where it was done already.

    The first one only announces: nobody loses a chat to a setting that was made the day before.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_NUMBER])
        last = Cleanup.objects.order_by("-began_at").first()
        if last is not None and now - last.began_at < NIGHT:
            return None
        made = Cleanup.objects.create(began_at=now)
    began = time.perf_counter()
    if is_on():
        # What became idle since the announcement waits for the next night.
        announced_until = idle_before(last.began_at + timedelta(days=1)) if last is not None else None
        made.hidden = retention.hide(min(announced_until, idle_before(now))) if announced_until else {}
        made.announced = preview(now + timedelta(days=1))
    made.seconds = round(time.perf_counter() - began, 3)
    made.save()
    Cleanup.objects.filter(began_at__lt=now - KEPT).delete()
    return made


def sessions_clear() -> None:
    """Remove sign-ins that have ended."""
    call_command("clearsessions", verbosity=0)
