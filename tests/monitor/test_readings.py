"""Reading what all processes have counted, and what can be said of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings
from redis import Redis

from apps.core.publishing import LIVE, TOTALS
from apps.monitor import report
from apps.monitor.readings import Distribution, Reading, reading


def process(**more: object) -> dict[str, object]:
    facts = {"at": time.time(), "role": "web", "slot": "web-1", "host": "here", "pid": 1, "started": time.time() - 60}
    figures = {"memory_bytes": 1, "process_cpu_percent": 1.0, "cpu_percent": 20.0, "memory_percent": 40.0}
    return {**facts, **figures, "disk_percent": 10.0, "gauges": {"nitro_open_sockets": 3.0}, **more}


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    with Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        client.delete(TOTALS, LIVE)
        yield client
        client.delete(TOTALS, LIVE)


def test_everything_that_was_counted_is_read(redis: Redis) -> None:
    redis.hset(TOTALS, mapping={"nitro_turns_total\tollama\tdone": "4", "nitro_turns_total\tgemini\tdone": "1"})
    redis.hset(LIVE, "one", json.dumps(process()))
    found = reading()
    assert found.count("nitro_turns_total") == 5
    assert found.count("nitro_turns_total", "ollama", "done") == 4
    assert found.gauge("nitro_open_sockets") == 3


def test_sockets_of_all_processes_are_added_up() -> None:
    found = Reading({}, (process(), process(slot="web-2")))
    assert report.facts(found, messages=7)["active_sessions"] == 6


def test_a_process_that_fell_silent_is_forgotten(redis: Redis) -> None:
    redis.hset(LIVE, "one", json.dumps(process(at=time.time() - 60)))
    assert reading().live == ()
    assert redis.hlen(LIVE) == 0


def test_without_redis_that_is_what_is_known(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    found = reading()
    assert (found.redis, found.live, dict(found.totals)) == (False, (), {})


def test_the_facts_that_the_contract_names() -> None:
    facts = report.facts(Reading({}, (process(),)), messages=7)
    assert facts["cpu_percent"] == 20
    assert facts["memory_percent"] == 40
    assert facts["total_messages"] == 7
    assert facts["uptime_seconds"] == pytest.approx(60, abs=5)


def test_one_machine_counts_once_however_many_processes_it_has() -> None:
    hosts = (process(), process(slot="web-2"), process(host="there", cpu_percent=80.0))
    assert report.facts(Reading({}, hosts), messages=0)["cpu_percent"] == 50


@pytest.mark.parametrize(
    ("counts", "share", "seconds"),
    [
        ({"0.1": 10.0}, 0.5, 0.075),
        ({"0.005": 50.0, "1": 50.0}, 0.5, 0.005),
        ({"0.005": 50.0, "1": 50.0}, 0.95, 0.95),
        ({"inf": 3.0}, 0.5, 60.0),
        ({}, 0.5, None),
    ],
)
def test_quantiles_are_drawn_between_the_bounds(counts: dict[str, float], share: float, seconds: float | None) -> None:
    assert Distribution(counts, 0.0).quantile(share) == (None if seconds is None else pytest.approx(seconds))
