"""What the worker does for the whole installation, each task a call of one function. Safe to run twice at once."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.monitor import canary, cleaning, sampling


@shared_task
def clean_up() -> dict[str, int]:
    """Let go of what nobody has used for SESSION_RETENTION_DAYS."""
    made = cleaning.clean_up(timezone.now())
    return dict(made.hidden) if made is not None else {}


@shared_task
def clear_sessions() -> None:
    """Remove sign-ins that have ended."""
    cleaning.sessions_clear()


@shared_task
def sample() -> bool:
    """Turn what was counted in this minute into a row of figures."""
    return sampling.sample(timezone.now()) is not None


@shared_task
def sing() -> bool:
    """Say that the worker works."""
    return canary.sing()
