"""What the worker does for pictures, each task a call of one function. All are safe to run twice at once."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.core import wakeups
from apps.images import selectors, services, studio, tidying


@shared_task
def work() -> int:
    """Draw what waits. The message names no job: which one is next is for the rows to say."""
    return studio.work()


@shared_task
def rescue() -> int:
    """Queue the jobs of dead workers again, and wake the worker where messages were lost."""
    rescued = services.jobs_rescue(now=timezone.now())
    if selectors.queued_exist():
        wakeups.wake(services.WORK, queue=services.QUEUE)
    return rescued


@shared_task
def purge() -> int:
    """Remove for good what was deleted a day ago."""
    purged = 0
    while count := services.images_purge(now=timezone.now()):
        purged += count
    return purged


@shared_task
def tidy() -> int:
    """Remove files that no row knows: what users who were deleted, or killed processes, have left."""
    return tidying.files_tidy(now=timezone.now())
