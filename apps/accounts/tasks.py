"""What the worker does for accounts, each task a call of one service."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.accounts import hooks
from apps.core.idempotency import replays_expire


@shared_task
def deliver() -> int:
    """Send what webhooks are to be told; safe to run twice at once."""
    return hooks.deliveries_send(now=timezone.now())


@shared_task
def expire() -> int:
    """Forget old messages to webhooks and old answers to repeated requests; safe to run twice at once."""
    now = timezone.now()
    return hooks.deliveries_expire(now=now) + replays_expire(now=now)
