"""What the worker does for searches, each task a call of one service."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.search import services


@shared_task
def purge_searches() -> int:
    """Remove for good what the cleanup hid a day ago; safe to run twice at once."""
    purged = 0
    while count := services.searches_purge(now=timezone.now()):
        purged += count
    return purged
