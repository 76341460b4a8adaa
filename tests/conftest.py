"""What every test may use. PostgreSQL and Redis come from `tests/services.py`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from django.core.management.commands import flush
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client
from hypothesis import HealthCheck, settings
from redis import Redis, RedisError

from apps.accounts import limits
from apps.accounts.models import User
from apps.core import memory
from tests import cast, flushing

OURS = ("nitro:limit:*", "nitro:reply:*", "nitro:flight:*", "nitro:relay:*", "nitro:replies", "nitro:sockets*")

# How long an example takes is a matter of what else the machine does, and no property of ours.
settings.register_profile("nitro", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nitro")


@pytest.fixture(autouse=True, scope="session")
def _flush() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DatabaseOperations, "sql_flush", flushing.sql_flush)
        patched.setattr(DatabaseOperations, "execute_sql_flush", flushing.execute_sql_flush)
        patched.setattr(flush, "emit_post_migrate_signal", flushing.nothing_after_migrations)
        yield


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """No counter, cached answer or socket of an earlier test; users of another run had the same numbers."""
    limits.forget()
    memory.outage.wait(30)  # one that an earlier test has made up
    with contextlib.suppress(memory.MemoryAway):
        memory.ask(_forget)


@pytest.fixture
def alice(db: None) -> User:
    return cast.alice()


@pytest.fixture
def bob(db: None) -> User:
    return cast.bob()


@pytest.fixture
def visitor(client: Client, alice: User) -> Client:
    """Alice in her browser."""
    client.force_login(alice)
    return client


def _forget(redis: Redis) -> None:
    with contextlib.suppress(RedisError):
        for pattern in OURS:
            for key in redis.scan_iter(pattern, count=1000):
                redis.delete(key)
