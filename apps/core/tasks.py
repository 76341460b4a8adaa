"""What the worker does for the admin and for all rooms, each task a call of one service. Safe to run twice at once."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.core import scratch, stored
from apps.core.office import bulk, sheets


@shared_task
def work_bulk() -> int:
    """Go on with bulk actions, also those of workers that are gone."""
    return bulk.work()


@shared_task
def expire_bulk() -> int:
    """Remove the files of exports after a day, and put away what ended a month ago."""
    return sheets.expire(timezone.now()) + len(bulk.forget(timezone.now()))


@shared_task
def tidy_temporary_files() -> int:
    """Remove what killed processes have left half-written or in the middle of their work."""
    return stored.sweep() + scratch.sweep()
