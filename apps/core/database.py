"""Database work from async code: a thread pool of its own, as wide as the connection pool."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, connections
from psycopg_pool import ConnectionPool
from psycopg_pool.base import AttemptWithBackoff

from apps.core import connections as connections_of_the_pool
from apps.core import metrics, tracing
from apps.core.errors import DatabaseAway

# The pool would wait longer and longer between its tries while PostgreSQL restarts, and people with it.
AttemptWithBackoff.INITIAL_DELAY = 0.25
AttemptWithBackoff.DELAY_BACKOFF = 1.0
# Django lets the pool ask PostgreSQL before each use of a connection, which is one more trip for each of ours.
ConnectionPool.check_connection = staticmethod(connections_of_the_pool.check)  # type: ignore[method-assign,assignment]

P = ParamSpec("P")
T = TypeVar("T")


def _pool(name: str) -> float:
    """A figure of this process's connection pool; 0 where it has none."""
    pool = getattr(connection, "pool", None)
    return float(pool.get_stats().get(name, 0)) if pool is not None else 0.0


metrics.gauge("nitro_database_connections", "Open connections to PostgreSQL.", lambda: _pool("pool_size"))
metrics.gauge("nitro_database_waiting", "Requests waiting for a connection.", lambda: _pool("requests_waiting"))


@cache
def executor() -> ThreadPoolExecutor:
    """The threads of this process that may hold a database connection: as many as there are connections."""
    return ThreadPoolExecutor(max_workers=settings.DB_POOL_MAX, thread_name_prefix="database")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a synchronous function that reads or writes rows, without blocking the event loop.

    Calls run side by side, unlike those of `database_sync_to_async`, and give their connection back afterwards.
    Each runs in an empty context, so nothing of one caller is seen by the next, but for the request's name. When the
    caller is cancelled, the function runs to its end all the same. Raises `DatabaseAway` when PostgreSQL does not
    answer, and whatever the function raises.
    """
    call = partial(contextvars.Context().run, _call, partial(function, *args, **kwargs), tracing.current())
    return await asyncio.get_running_loop().run_in_executor(executor(), call)


def _call(function: Callable[[], T], request_id: str) -> T:
    tracing.go_on(request_id)
    try:
        return function()
    except (OperationalError, InterfaceError) as error:
        raise DatabaseAway("The database does not answer.") from error
    finally:
        # Closing returns a pooled connection to its pool, and never raises for one that is broken.
        connections.close_all()
