"""The worker's sign of life: a task that the beat sends every 30 seconds, and that does nothing but say "I ran".

When it stays away, a part of the way is broken: the beat, Redis, or the worker itself, which may be alive and deaf.
"""

from __future__ import annotations

import time

from django.conf import settings
from redis import Redis, RedisError

from apps.core.publishing import WAITS

KEY = "nitro:canary"
EVERY_SECONDS = 30.0
QUEUES = ("celery", "images", "voice")


def sing() -> bool:
    """Say that a task ran just now; False where Redis is away."""
    try:
        with Redis.from_url(settings.REDIS_URL, **WAITS) as client:
            client.set(KEY, f"{time.time():.3f}")
    except RedisError:
        return False
    return True
