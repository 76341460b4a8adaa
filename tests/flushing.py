"""How the tables are emptied after a test whose transactions were real: some thousand times in a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import OperationalError
from django.db.backends.postgresql.operations import DatabaseOperations

TRIES = 5
KEPT = frozenset({"django_content_type", "auth_permission"})  # what migrations have made stays as it is
ONLY_ADDED_TO = frozenset({"core_auditentry"})  # refuses to lose a row, but for all of them at once
_truncate = DatabaseOperations.sql_flush
_execute = DatabaseOperations.execute_sql_flush


def sql_flush(
    self: DatabaseOperations, style: Any, tables: Iterable[str], *, reset_sequences: bool = False, **more: Any
) -> list[str]:
    """Delete what is there. TRUNCATE makes new files for all tables and indexes, which takes a tenth of a second.

    In any order: what refers to what is checked at the end of the transaction. The locks are those of a TRUNCATE among
    writers: what a thread of the test is still writing is waited for, and goes.
    """
    found = set(tables) - KEPT
    if reset_sequences or not found >= ONLY_ADDED_TO:
        return _truncate(self, style, sorted(found), reset_sequences=reset_sequences, **more)
    names = sorted(map(self.quote_name, found - ONLY_ADDED_TO))
    return [
        f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE",
        *_truncate(self, style, sorted(ONLY_ADDED_TO)),
        "; ".join(f"DELETE FROM {name}" for name in names),  # noqa: S608 - names of our own models
    ]


def nothing_after_migrations(*_: object, **__: object) -> None:
    """Instead of looking once more for the kinds and permissions of all models, which takes another tenth."""


def execute_sql_flush(self: DatabaseOperations, sql_list: Iterable[str]) -> None:
    """Again where a thread of the test before was still writing and PostgreSQL saw a deadlock.

    What a turn sets off (webhooks, counting) ends in threads that outlive the loop of their test.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return _execute(self, sql_list)
        except OperationalError as error:
            if "deadlock" not in str(error) or attempt == TRIES:
                raise
    return None
