"""Counting: cheap, by label, and handed over to Redis without losing a count."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from pytest_django import Settings
from redis import Redis

from apps.core import metrics
from apps.core.publishing import LIVE, TOTALS, Publisher

TRIES = metrics.counter("nitro_test_tries_total", "Tries.", "who")
WAITS = metrics.histogram("nitro_test_seconds", "Waits.")


@pytest.fixture(autouse=True)
def clean(settings: Settings) -> Iterator[Redis]:
    metrics.take()
    with Redis.from_url(settings.REDIS_URL, decode_responses=True) as redis:
        redis.delete(TOTALS, LIVE)
        yield redis
        redis.delete(TOTALS, LIVE)
    metrics.take()


def test_counts_add_up_by_label() -> None:
    TRIES.add(1, "alice")
    TRIES.add(2, "alice")
    TRIES.add(1, "bob")
    assert metrics.take() == {"nitro_test_tries_total\talice": 3, "nitro_test_tries_total\tbob": 1}


def test_what_was_taken_is_not_counted_again() -> None:
    TRIES.add(1, "alice")
    metrics.take()
    assert metrics.take() == {}


def test_a_label_cannot_pass_for_another_metric() -> None:
    TRIES.add(1, "a\tb")
    assert metrics.take() == {"nitro_test_tries_total\ta b": 1}


@pytest.mark.parametrize(
    ("seconds", "bound"), [(0.0, "0.005"), (0.005, "0.005"), (0.3, "0.5"), (60.0, "60"), (61, "inf")]
)
def test_a_duration_falls_into_the_bucket_that_is_just_large_enough(seconds: float, bound: str) -> None:
    WAITS.observe(seconds)
    assert metrics.take() == {f"nitro_test_seconds\t{bound}": 1, "nitro_test_seconds\tsum": seconds}


def test_many_threads_lose_no_count() -> None:
    def count() -> None:
        for _ in range(1000):
            TRIES.add(1, "x")

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metrics.take() == {"nitro_test_tries_total\tx": 8000}


def test_two_processes_are_added_up(clean: Redis) -> None:
    first, second = Publisher("web"), Publisher("web")
    TRIES.add(2, "alice")
    assert first.publish()
    TRIES.add(3, "alice")
    assert second.publish()
    assert clean.hget(TOTALS, "nitro_test_tries_total\talice") == "5"


def test_without_redis_counts_wait(settings: Settings, clean: Redis) -> None:
    address, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    away = Publisher("web")
    settings.REDIS_URL = address
    TRIES.add(2, "alice")
    assert not away.publish()
    TRIES.add(1, "alice")
    assert Publisher("web").publish()
    assert clean.hget(TOTALS, "nitro_test_tries_total\talice") == "3"


def test_a_process_that_ends_says_so_and_hands_over_its_last_counts(clean: Redis) -> None:
    publisher = Publisher("web")
    publisher.publish()
    assert clean.hlen(LIVE) == 1
    TRIES.add(1, "bob")
    publisher.stop()
    assert clean.hlen(LIVE) == 0
    assert clean.hget(TOTALS, "nitro_test_tries_total\tbob") == "1"


def test_a_running_publisher_hands_over_by_itself(clean: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.publishing.SECONDS", 0.01)
    publisher, published = Publisher("worker"), threading.Event()
    publish = publisher.publish

    def publish_and_tell() -> None:
        if publish():
            published.set()

    monkeypatch.setattr(publisher, "publish", publish_and_tell)
    publisher.start()
    assert published.wait(20)
    publisher.stop()
    publisher.join(20)
    assert not publisher.is_alive()
