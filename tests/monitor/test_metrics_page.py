"""`/metrics`: who may read it, and that Prometheus understands it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings
from redis import Redis

from apps.accounts.models import User
from apps.chat.models import Conversation, Message
from apps.core import metrics
from apps.core.publishing import LIVE, TOTALS, Publisher
from apps.monitor import canary, prometheus, selectors, series
from apps.monitor.readings import Reading
from tests import cast

pytestmark = pytest.mark.django_db
FAR = "203.0.113.7"


@pytest.fixture(autouse=True)
def counted(settings: Settings) -> Iterator[None]:
    """One page was seen, and one process is there."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.delete(TOTALS, LIVE)
        metrics.take()
        Client().get("/healthz")
        Publisher("web").publish()
        yield
        redis.delete(TOTALS, LIVE)


def program(*scopes: str) -> Client:
    """A program far away, with a key of an administrator."""
    return Client(REMOTE_ADDR=FAR, headers={"authorization": f"Bearer {cast.key_of(cast.admin(), *scopes)}"})


def test_a_program_on_this_machine_may_read_it() -> None:
    found = Client().get("/metrics").json()
    assert {"cpu_percent", "memory_percent", "active_sessions", "total_messages", "uptime_seconds"} <= set(found)
    assert found["responses"]["healthz"]["count"] == 1


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_every_loopback_address_is_this_machine(address: str) -> None:
    assert Client(REMOTE_ADDR=address).get("/metrics").status_code == 200


@pytest.mark.parametrize("address", ["203.0.113.7", "192.168.1.4", "::ffff:10.0.0.1", ""])
def test_others_may_not(address: str) -> None:
    assert Client(REMOTE_ADDR=address).get("/metrics").status_code == 401


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_on_this_machine_does_not_make_its_visitors_local(name: str) -> None:
    assert Client(headers={name: "203.0.113.7"}).get("/metrics").status_code == 401


def test_an_administrator_may_and_so_may_a_key_with_the_scope() -> None:
    client = Client(REMOTE_ADDR=FAR)
    client.force_login(cast.admin())
    assert client.get("/metrics").status_code == 200
    assert program("admin").get("/metrics").status_code == 200


def test_neither_a_key_without_the_scope_nor_one_of_somebody_who_is_no_administrator_any_more() -> None:
    assert program("chat").get("/metrics").status_code == 403
    client = program("admin")
    User.objects.update(is_staff=False)
    assert client.get("/metrics").status_code == 403


@pytest.mark.parametrize("asked", [{"headers": {"accept": "text/plain"}}, {"query_params": {"format": "prometheus"}}])
def test_prometheus_understands_it(asked: dict[str, Any]) -> None:
    response = Client().get("/metrics", **asked)
    families = {family.name: family for family in text_string_to_metric_families(response.content.decode())}
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert families["nitro_http_seconds"].type == "histogram"
    assert families["nitro_total_messages"].samples[0].value == 0
    samples = families["nitro_http_seconds"].samples
    infinite = [sample.value for sample in samples if sample.labels.get("le") == "+Inf"]
    assert infinite == [sample.value for sample in samples if sample.name.endswith("_count")]


def test_queues_jobs_redis_and_the_worker_are_told(settings: Settings) -> None:
    assert canary.sing()
    found = Client().get("/metrics").json()
    assert set(found["queues"]) == set(canary.QUEUES)
    assert found["jobs"] == {"images_queued": 0, "images_running": 0, "recordings_waiting": 0, "answers_running": 0}
    assert found["redis_memory_bytes"] > 100_000
    assert 0 <= found["worker_silence_seconds"] < 60
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.delete(canary.KEY)
    assert Client().get("/metrics").json()["worker_silence_seconds"] is None


def test_numbers_are_not_rounded() -> None:
    text = prometheus.render(Reading({}, ()), {"total_messages": 1_234_567}, {})
    assert "nitro_total_messages 1234567.0" in text


def test_tokens_per_second_are_those_of_models_that_wrote() -> None:
    tab, first, whole = "\t", "nitro_turn_first_token_seconds", "nitro_turn_seconds"
    totals = {
        f"{whole}{tab}ollama{tab}sum": 12.0,
        f"{first}{tab}ollama{tab}sum": 2.0,
        f"{whole}{tab}memory{tab}sum": 9.0,
    }
    found = Reading({**totals, f"nitro_tokens_total{tab}completion": 250.0}, ())
    assert series.tokens_per_second(found) == 25.0
    assert series.tokens_per_second(Reading({}, ())) is None


def test_no_question_of_the_metrics_reads_a_whole_table() -> None:
    """With PostgreSQL told to avoid scans, none is left: every figure has an index or a limit to stand on."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for statement in (selectors.JOBS, selectors.WAITS):
            cursor.execute(f"EXPLAIN {statement}")
            plan = " ".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan" not in plan, plan


def test_messages_are_counted_up_to_a_bound_and_jobs_by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = Conversation.objects.create(owner=cast.alice())
    for _ in range(3):
        Message.objects.create(conversation=chat, role="user", text="x")
    assert selectors.counts() == (3, dict.fromkeys(selectors.JOB_NAMES, 0))
    monkeypatch.setattr(selectors, "EXACT_UP_TO", 2)
    monkeypatch.setattr(selectors, "ABOUT", "SELECT 7 FROM pg_class WHERE oid = %s::regclass")
    assert selectors.counts()[0] == 7


def test_a_route_that_does_not_exist_is_no_label_of_the_visitor() -> None:
    Client().get("/canary-address/")
    Publisher("web").publish()
    assert "canary" not in Client().get("/metrics", query_params={"format": "prometheus"}).content.decode()


def test_without_redis_it_says_so_and_answers(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    found = Client().get("/metrics").json()
    assert (found["redis"], found["total_messages"]) == (False, 0)
