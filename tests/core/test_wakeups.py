"""The worker is woken after the commit, from another thread, and nobody notices where Redis is away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import transaction
from pytest_django import Settings
from redis import Redis

from apps.core import wakeups

QUEUE = "tests-wakeups"


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    monkeypatch.setattr(wakeups, "_resting_until", 0.0)
    wakeups._application.cache_clear()
    with Redis.from_url(settings.REDIS_URL) as client:
        client.delete(QUEUE)
        yield client
        client.delete(QUEUE)
    wakeups._application.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_the_worker_hears_of_it_after_the_commit(redis: Redis) -> None:
    with transaction.atomic():
        wakeups.wake("tests.something", queue=QUEUE)
        wakeups.settled().result()
        assert redis.llen(QUEUE) == 0
    wakeups.settled().result()
    assert redis.llen(QUEUE) == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_wakes_nobody(redis: Redis) -> None:
    with transaction.atomic():
        wakeups.wake("tests.something", queue=QUEUE)
        transaction.set_rollback(True)
    wakeups.settled().result()
    assert redis.llen(QUEUE) == 0


def test_without_redis_it_is_said_and_not_tried_again_for_a_while(redis: Redis, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    wakeups._application.cache_clear()
    assert not wakeups.send("tests.something", QUEUE)
    settings.CELERY_BROKER_URL = "redis://this-would-be-an-error.invalid:1/0"
    assert not wakeups.send("tests.something", QUEUE)
