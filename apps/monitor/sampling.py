"""Once a minute: what was counted since the last time becomes a row of figures."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from redis import Redis, RedisError

from apps.core.publishing import WAITS
from apps.monitor import readings, series
from apps.monitor.models import Sample

LAST = "nitro:metrics:last"
KEPT = timedelta(days=7)


def sample(now: datetime) -> Sample | None:
    """Take this minute's sample; None where it was taken already, or Redis does not tell.

    The row comes first: of two that are asked at once the second waits for it, and does not look. Otherwise it would
    take the totals away from under the first, and the minute would show nothing.
    """
    minute = now.replace(second=0, microsecond=0)
    if Sample.objects.filter(minute=minute).exists() or not (reading := readings.reading()).redis:
        return None
    with transaction.atomic():
        made, is_mine = Sample.objects.get_or_create(minute=minute)
        if not is_mine:
            return None
        before = _exchange(dict(reading.totals))
        if before is None:
            transaction.set_rollback(True)
            return None
        made.figures = series.figures(reading, before)
        made.save(update_fields=["figures"])
    if minute.minute == 0:
        Sample.objects.filter(minute__lt=now - KEPT).delete()
    return made


def _exchange(totals: dict[str, float]) -> dict[str, float] | None:
    """Remember these totals, and return the ones before; the first look has nothing to compare with: itself."""
    try:
        with Redis.from_url(settings.REDIS_URL, **WAITS) as client:
            before = client.set(LAST, json.dumps(totals), get=True)
    except RedisError:
        return None
    found: dict[str, float] = json.loads(before) if before else totals
    return found
