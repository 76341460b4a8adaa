"""Redis as the common memory: an outage costs one wait, one line in the log, and ends by itself."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest
from redis import ConnectionError as RedisConnectionError
from redis import Redis, RedisError, ResponseError

from apps.core import memory
from apps.core.memory import MemoryAway, Outage

PATIENCE = 30.0


class Probe:
    """Redis as an outage sees it: fails until it is told otherwise."""

    def __init__(self) -> None:
        self.away = True
        self.tries = 0
        self.tried = threading.Event()

    def __call__(self) -> None:
        self.tries += 1
        self.tried.set()
        if self.away:
            raise RedisConnectionError("refused")


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Probe]:
    """An outage of this test's own, with short pauses."""
    probe = Probe()
    monkeypatch.setattr(memory, "PAUSES", (0.01,))
    monkeypatch.setattr(memory, "LATER_PAUSE", 0.01)
    monkeypatch.setattr(memory, "outage", Outage(probe))
    yield probe
    probe.away = False
    assert memory.outage.wait(PATIENCE)


def fail(redis: Redis) -> None:
    raise RedisConnectionError("refused")


def test_what_redis_says_comes_back() -> None:
    assert memory.ask(lambda redis: redis.ping()) is True


async def test_what_redis_says_comes_back_to_the_event_loop() -> None:
    assert await memory.asked(memory.ask, lambda redis: redis.ping()) is True


def test_after_one_failure_nobody_waits_any_more(probe: Probe) -> None:
    with pytest.raises(MemoryAway):
        memory.ask(fail)
    asked: list[Redis] = []
    with pytest.raises(MemoryAway):
        memory.ask(asked.append)
    assert asked == []


def test_an_outage_is_told_once(probe: Probe, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        with pytest.raises(MemoryAway):
            memory.ask(fail)
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 1


def test_it_ends_by_itself(probe: Probe) -> None:
    with pytest.raises(MemoryAway):
        memory.ask(fail)
    assert probe.tried.wait(PATIENCE)
    assert memory.outage.is_on
    probe.away = False
    assert memory.outage.wait(PATIENCE)
    assert memory.ask(lambda redis: redis.ping()) is True


def test_a_second_outage_is_told_again(probe: Probe, caplog: pytest.LogCaptureFixture) -> None:
    probe.away = False
    for _ in range(2):
        with pytest.raises(MemoryAway):
            memory.ask(fail)
        assert memory.outage.wait(PATIENCE)
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 2


def test_a_full_redis_counts_as_away(probe: Probe) -> None:
    def full(redis: Redis) -> None:
        raise ResponseError("OOM command not allowed when used memory > 'maxmemory'.")

    with pytest.raises(MemoryAway):
        memory.ask(full)


@pytest.fixture
def full() -> Iterator[None]:
    """A Redis that has no room, and makes none."""
    redis = memory.connection()
    before = {name: str(redis.config_get(name)[name]) for name in ("maxmemory", "maxmemory-policy")}
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", 1)
    yield
    for name, value in before.items():
        redis.config_set(name, value)


def test_one_that_answers_and_takes_nothing_is_not_back(full: None) -> None:
    assert memory.connection().ping()
    with pytest.raises(RedisError):
        memory.take_something()


def test_one_that_takes_something_is_back() -> None:
    memory.take_something()
    assert memory.ask(lambda redis: redis.ttl(memory.PROBE)) in range(1, memory.PROBE_SECONDS + 1)


async def test_a_caller_who_is_cancelled_leaves_no_reply_behind() -> None:
    for number in range(50):
        asking = asyncio.ensure_future(memory.asked(memory.ask, lambda redis, n=number: redis.echo(f"secret {n}")))
        await asyncio.sleep(0)
        asking.cancel()
    for number in range(50):
        assert await memory.asked(memory.ask, lambda redis, n=number: redis.echo(str(n))) == str(number).encode()
