"""Database work from async code runs side by side, gives its connection back and tells when PostgreSQL is away."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from apps.accounts.models import User
from apps.core.database import in_database
from apps.core.errors import DatabaseAway
from tests import cast

mark = contextvars.ContextVar("mark", default="none")


@pytest.mark.django_db(transaction=True)
async def test_rows_are_written_and_read() -> None:
    await in_database(cast.person, "carol", admin=True)
    assert await in_database(User.objects.filter(is_superuser=True).count) == 1


async def test_calls_run_side_by_side() -> None:
    together = threading.Barrier(3, timeout=10)
    assert len(await asyncio.gather(*(in_database(together.wait) for _ in range(3)))) == 3


@pytest.mark.django_db(transaction=True)
async def test_the_connection_is_given_back() -> None:
    def leave_open() -> int:
        connection.ensure_connection()
        return threading.get_ident()

    everybody = threading.Barrier(settings.DB_POOL_MAX, timeout=10)

    def is_open() -> tuple[int, bool]:
        everybody.wait()  # so that no thread is asked twice, and none is left out
        return threading.get_ident(), connection.connection is not None

    used = await in_database(leave_open)
    seen = await asyncio.gather(*(in_database(is_open) for _ in range(settings.DB_POOL_MAX)))
    assert (used, False) in seen
    assert not any(still_open for _, still_open in seen)


async def test_nothing_of_the_caller_is_seen_by_the_next() -> None:
    mark.set("alice")
    assert await in_database(mark.get) == "none"


@pytest.mark.parametrize("trouble", [OperationalError("server closed the connection")])
async def test_a_database_that_is_away_is_told_in_words(trouble: Exception) -> None:
    def fail() -> None:
        raise trouble

    with pytest.raises(DatabaseAway) as caught:
        await in_database(fail)
    assert not caught.value.permanent


async def test_other_errors_come_through() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await in_database(int, "x")
