"""What every test may use. PostgreSQL and Redis come from `tests/services.py`."""

from __future__ import annotations

import contextlib

import pytest
from redis import Redis, RedisError

from apps.accounts import limits
from apps.core import memory

OURS = ("nitro:limit:*", "nitro:reply:*", "nitro:flight:*", "nitro:replies", "nitro:sockets*")


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """No counter, cached answer or socket of an earlier test; users of another run had the same numbers."""
    limits.forget()
    memory.outage.wait(30)  # one that an earlier test has made up
    with contextlib.suppress(memory.MemoryAway):
        memory.ask(_forget)


def _forget(redis: Redis) -> None:
    with contextlib.suppress(RedisError):
        for pattern in OURS:
            for key in redis.scan_iter(pattern, count=1000):
                redis.delete(key)
