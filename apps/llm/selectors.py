"""Reads about downloads of models and drained providers. Neither is a secret among the people who are signed in."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.llm.models import Drain, Pull

RECENT = timedelta(minutes=10)  # for which a download that has ended is still told
MOST = 50


def pulls_recent(*, user: User, now: datetime) -> list[Pull]:
    """The downloads under way and those that ended just now, the ones under way first."""
    if not user.is_active:
        return []
    rows = Pull.objects.filter(Q(state__in=Pull.UNDER_WAY) | Q(updated_at__gte=now - RECENT))
    under_way = When(state__in=Pull.UNDER_WAY, then=Value(0))
    order = Case(under_way, default=Value(1), output_field=IntegerField())
    return list(rows.order_by(order, "-created_at")[:MOST])


def pull_get(*, user: User, pull_id: UUID) -> Pull:
    """One download. Raises `NotFound`."""
    found = Pull.objects.filter(pk=pull_id).first() if user.is_active else None
    if found is None:
        raise NotFound("There is no such download.")
    return found


def pulls_unattended(*, now: datetime) -> QuerySet[Pull]:
    """The downloads that nobody carries: new ones, and those whose process has died."""
    return Pull.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), state__in=Pull.UNDER_WAY)


def drains() -> list[Drain]:
    """The kinds of providers that take no new questions."""
    return list(Drain.objects.order_by("kind"))
