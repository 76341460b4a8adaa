"""The watchdog: bites a worker that takes nothing though work lies there, and no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from pytest_django import Settings
from redis import Redis

from nitro.watchdog import DEAF_LOOKS, Ear, Watchdog

QUEUE = "watchdog-test"


@pytest.fixture
def redis() -> Iterator[Redis]:
    with Redis.from_url(settings.REDIS_URL) as client:
        client.delete(QUEUE)
        yield client
        client.delete(QUEUE)


@pytest.fixture
def dog() -> Watchdog:
    return Watchdog(Ear(QUEUE))


def looks(dog: Watchdog, count: int = DEAF_LOOKS + 1) -> bool:
    return [dog.look() for _ in range(count)][-1]


def test_a_worker_that_leaves_work_lying_is_deaf(dog: Watchdog, redis: Redis) -> None:
    redis.rpush(QUEUE, "work")
    assert not looks(dog, DEAF_LOOKS)
    assert dog.look()


def test_where_no_work_lies_nobody_is_deaf(dog: Watchdog, redis: Redis) -> None:
    assert not looks(dog, 20)


def test_one_that_has_its_hands_full_is_not(dog: Watchdog, redis: Redis) -> None:
    redis.rpush(QUEUE, "work")
    dog.ear.running = 1
    assert not looks(dog, 20)


def test_one_that_takes_something_now_and_then_is_not(dog: Watchdog, redis: Redis) -> None:
    redis.rpush(QUEUE, "work")
    for _ in range(20):
        dog.ear.begun += 1
        assert not dog.look()


def test_while_redis_is_away_nobody_is_to_blame(dog: Watchdog, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert not looks(dog, 20)
