"""One sample a minute, and the page that shows them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from apps.core.publishing import LIVE, TOTALS, Publisher
from apps.monitor import performance as charts_of
from apps.monitor import sampling
from apps.monitor.models import Sample
from tests import cast

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
NOW = timezone.now().replace(second=5)
NAMES = (TOTALS, LIVE, sampling.LAST)


@pytest.fixture(autouse=True)
def redis(settings: Settings) -> Iterator[Redis]:
    with Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        client.delete(*NAMES)
        yield client
        client.delete(*NAMES)


def alice() -> Client:
    client = Client()
    client.force_login(cast.alice())
    return client


def test_a_minute_s_sample_has_what_was_counted_since_the_one_before(redis: Redis) -> None:
    redis.hset(TOTALS, "nitro_turns_total\tollama\tstop", 7)
    sampling.sample(NOW)
    redis.hset(TOTALS, "nitro_turns_total\tollama\tstop", 9)
    sampling.sample(NOW + MINUTE)
    assert [one.figures["turns"] for one in Sample.objects.order_by("minute")] == [0, 2]


def test_two_samples_in_a_minute_are_one() -> None:
    assert sampling.sample(NOW) is not None
    assert sampling.sample(NOW + timedelta(seconds=20)) is None
    assert Sample.objects.count() == 1


def test_without_redis_there_is_no_sample(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert sampling.sample(NOW) is None


def test_samples_older_than_a_week_go() -> None:
    Sample.objects.create(minute=NOW - timedelta(days=8))
    sampling.sample(NOW.replace(minute=0))
    assert Sample.objects.count() == 1


def test_the_page_shows_curves_of_what_was_measured() -> None:
    for age in (3, 2, 1):
        Sample.objects.create(minute=NOW - age * MINUTE, figures={"first_word": {"n": 1, "p50": 0.2, "p95": 1.5}})
    Publisher("web").publish()
    content = alice().get("/performance/").content.decode()
    assert 'class="curve p95"' in content
    assert "target 3 s" in content
    assert "Nothing in this time" in content  # of pictures, say


def test_a_day_reaches_further_back_than_an_hour() -> None:
    Sample.objects.create(minute=NOW - timedelta(hours=5), figures={"first_word": {"n": 1, "p50": 0.2, "p95": 1.5}})
    assert "curve" not in alice().get("/performance/").content.decode()
    assert "curve" in alice().get("/performance/", {"span": "day"}).content.decode()


def test_an_unknown_span_is_an_hour() -> None:
    assert alice().get("/performance/", {"span": "<script>"}).status_code == 200


def test_charts_alone_come_where_the_page_asks_again() -> None:
    content = alice().get("/performance/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in content
    assert "charts" in content


def test_without_redis_the_page_says_so(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert "Redis does not answer" in alice().get("/performance/").content.decode()


def test_a_day_of_minutes_becomes_a_curve_that_can_be_read() -> None:
    noisy = [(number / 1440, float(number % 2)) for number in range(1440)]
    curve = charts_of.thinned(noisy)
    assert len(curve) == charts_of.MOST_POINTS
    assert all(value == pytest.approx(0.5, abs=0.05) for _, value in curve)
    assert [at for at, _ in curve] == sorted(at for at, _ in curve)
    assert charts_of.thinned(noisy[:50]) == noisy[:50]
