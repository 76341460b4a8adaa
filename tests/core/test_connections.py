"""Connections of the pool: a dead one is found out, and a living one is not asked at every turn."""

from __future__ import annotations

import select
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg import Connection
from psycopg_pool import ConnectionPool

from apps.core import connections

pytestmark = pytest.mark.django_db
Line = Connection[Any]


def opened() -> Line:
    return psycopg.connect(**connection.get_connection_params() | {"autocommit": True})


@pytest.fixture
def line() -> Iterator[Line]:
    with opened() as made:
        yield made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Line]:
    """The connections over which PostgreSQL was asked for a sign of life."""
    found: list[Line] = []
    ask = connections._ask

    def noted(line: Line) -> None:
        found.append(line)
        ask(line)

    monkeypatch.setattr(connections, "_ask", noted)
    return found


def wait_for_news(line: Line) -> None:
    """Until the server has sent something, or has gone."""
    assert select.select([line.pgconn.socket], [], [], 30)[0]


def test_the_pool_looks_in_this_way() -> None:
    import_module("apps.core.database")
    assert ConnectionPool.check_connection is connections.check


def test_a_connection_in_use_is_asked_once(line: Line, asked: list[Line]) -> None:
    for _ in range(5):
        connections.check(line)
    assert asked == [line]


def test_one_that_was_idle_for_long_is_asked_again(
    line: Line, asked: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    connections.check(line)
    monkeypatch.setattr(connections, "SURE_SECONDS", 0)
    connections.check(line)
    assert asked == [line, line]


def test_one_that_the_server_has_ended_is_found_out_at_once(line: Line) -> None:
    connections.check(line)
    with opened() as other:
        other.execute("SELECT pg_terminate_backend(%s)", (line.info.backend_pid,))
    wait_for_news(line)  # it takes the server a moment
    with pytest.raises(psycopg.OperationalError):
        connections.check(line)


def test_one_with_news_in_it_is_asked_and_stays(line: Line, asked: list[Line]) -> None:
    line.execute("LISTEN something")
    connections.check(line)
    with opened() as other:
        other.execute("NOTIFY something")
    wait_for_news(line)
    connections.check(line)
    connections.check(line)
    assert asked == [line, line]
    assert line.execute("SELECT 1").fetchone() == (1,)


def test_one_that_was_closed_here_is_found_out(line: Line) -> None:
    connections.check(line)
    line.close()
    with pytest.raises(psycopg.OperationalError):
        connections.check(line)
