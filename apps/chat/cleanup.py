"""Turn logs in Redis that nobody ended: they belong to processes that were killed in the last moment of a turn."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from redis import Redis

from apps.chat import logstore, selectors

WITHOUT_TIME_TO_LIVE = -1


def logs_expire() -> int:
    """Let the logs of turns that do not run expire like all ended ones; returns how many were left over.

    Raises `redis.exceptions.RedisError` while Redis is away: the next hour will do.
    """
    with Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as redis:
        names = redis.scan_iter(match=logstore.key("*"), count=500)
        endless = [name for name in names if redis.ttl(name) == WITHOUT_TIME_TO_LIVE]
        by_turn = {UUID(name.decode().rpartition(":")[2]): name for name in endless}
        left_over = by_turn.keys() - selectors.running_among(turn_ids=list(by_turn))
        for turn_id in left_over:
            redis.expire(by_turn[turn_id], logstore.KEPT_SECONDS)
    return len(left_over)
