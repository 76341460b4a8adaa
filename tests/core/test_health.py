"""The pages for machines: alive, and able to work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from apps.core import draining


@pytest.fixture(autouse=True)
def not_draining() -> Iterator[None]:
    yield
    draining.reset()


def test_alive_needs_neither_sign_in_nor_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_while_database_and_redis_answer(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": True, "redis": True, "accepting": True}


@pytest.mark.django_db
def test_not_ready_while_draining(client: Client) -> None:
    draining.begin()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["accepting"]) == (503, False)


@pytest.mark.django_db
def test_not_ready_without_redis(client: Client, settings: pytest.FixtureRequest) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"  # type: ignore[attr-defined]
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["redis"]) == (503, False)


@pytest.mark.django_db
def test_not_ready_without_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(connection, "cursor", away)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, False)


@pytest.mark.django_db
def test_nobody_keeps_a_copy_of_the_answer(client: Client) -> None:
    assert "no-store" in client.get("/readyz")["Cache-Control"]


def test_only_reading_is_allowed(client: Client) -> None:
    assert client.post("/healthz").status_code == 405
