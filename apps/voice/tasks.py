"""What the worker does for speech, each task a call of one service or one job."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.core import wakeups
from apps.voice import jobs, selectors, services, tidying


@shared_task
def transcribe_waiting() -> int:
    """Write down what is said in the recordings that wait; safe to run twice at once. Returns how many it did."""
    services.recordings_rescue(now=timezone.now())
    done = 0
    while jobs.run_next():
        done += 1
    return done


@shared_task
def rescue() -> int:
    """Queue the jobs of dead workers again, and wake the worker where messages were lost."""
    now = timezone.now()
    rescued = services.recordings_rescue(now=now)
    if selectors.recordings_waiting(now=now).exists():
        wakeups.wake(services.TASK, queue=services.QUEUE)
    return rescued


@shared_task
def expire_clips() -> int:
    """Let go of what nobody has heard for a month; safe to run twice at once."""
    return services.clips_expire(now=timezone.now())


@shared_task
def purge_recordings() -> int:
    """Remove for good what the cleanup hid a day ago; safe to run twice at once."""
    purged = 0
    while count := services.recordings_purge(now=timezone.now()):
        purged += count
    return purged


@shared_task
def tidy_files() -> int:
    """Remove files that no row knows; safe to run twice at once."""
    return tidying.files_tidy(now=timezone.now())
