"""What the worker does for the admin, each task a call of one service. Safe to run twice at once."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.core.office import bulk, sheets


@shared_task
def work_bulk() -> int:
    """Go on with bulk actions, also those of workers that are gone."""
    return bulk.work()


@shared_task
def expire_bulk() -> int:
    """Remove the files of exports after a day, and put away what ended a month ago."""
    return sheets.expire(timezone.now()) + len(bulk.forget(timezone.now()))
