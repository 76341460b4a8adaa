"""Statements that are always the same: PostgreSQL plans each once for a connection, and Django builds none of them."""

from __future__ import annotations

from typing import Any, cast

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor


class Prepared(Cursor[Any]):
    """A cursor whose statements each connection of the pool plans once, and not for every use."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> Prepared:
        return super().execute(query, params, prepare=True, **more)


def cursor() -> CursorWrapper:
    """As Django's own, with its errors and its log of queries."""
    connection.ensure_connection()
    made = cast(Any, Prepared(connection.connection))  # the stubs know of wrapped ones alone
    return connection.make_debug_cursor(made) if connection.queries_logged else connection.make_cursor(made)
