"""Two beats, or a task that is delivered twice: whatever is done by the clock happens once, also at the same moment."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from django.conf import settings as given
from django.core import mail
from django.db import connections
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from apps.accounts import hooks
from apps.accounts.models import Delivery, HookEvent, User
from apps.chat import conversation_services
from apps.chat.models import Conversation
from apps.core.publishing import TOTALS
from apps.images import services as images
from apps.images.models import ImageJob
from apps.monitor import alerting, cleaning, measures, notices, readings, sampling
from apps.monitor.models import Alert, Cleanup, Notice, Sample
from apps.monitor.readings import Reading
from apps.voice import services as voice
from apps.voice.models import Recording
from nitro.framework import CELERY_BEAT_SCHEDULE, NIGHTLY
from tests import cast
from tests.receiver import receiving

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()
DAY = timedelta(days=1)
T = TypeVar("T")


def at_once(function: Callable[[], T], count: int = 4) -> list[T]:
    """What so many workers get that do the same at the same moment, each over a connection of its own."""
    start = threading.Barrier(count)

    def run(_: int) -> T:
        try:
            connections["default"].ensure_connection()
            start.wait(30)
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


@pytest.fixture
def alice(transactional_db: None) -> User:
    return cast.alice()


def chat_of(user: User, used: datetime) -> Conversation:
    made = conversation_services.conversation_create(user=user)
    Conversation.objects.filter(pk=made.pk).update(created_at=used, updated_at=used)
    return made


# --- the nightly cleanup ---------------------------------------------------------------------------------------------


def test_a_night_is_cleaned_once(alice: User, settings: Settings) -> None:
    settings.SESSION_RETENTION_DAYS = 30
    for days in (40, 41, 42):
        chat_of(alice, NOW - days * DAY)
    chat_of(alice, NOW)
    for night in range(2):
        made = at_once(lambda now=NOW + night * DAY: cleaning.clean_up(now))  # type: ignore[misc]
        assert sum(one is not None for one in made) == 1
    first, second = Cleanup.objects.order_by("began_at")
    assert (first.hidden, sum(first.announced.values())) == ({}, 3)
    assert sum(second.hidden.values()) == 3
    assert Conversation.objects.filter(deleted_at=None).count() == 1


# --- figures and alarms ----------------------------------------------------------------------------------------------


@pytest.fixture
def counted() -> Iterator[Callable[[int], None]]:
    """Sets what all processes have counted so far."""
    with Redis.from_url(given.REDIS_URL) as redis:
        redis.delete(TOTALS, sampling.LAST)

        def to(turns: int) -> None:
            redis.hset(TOTALS, "nitro_turns_total\tollama\tstop", turns)

        yield to
        redis.delete(TOTALS, sampling.LAST)


def test_a_minute_is_sampled_once_and_whole(transactional_db: None, counted: Callable[[int], None]) -> None:
    begin = NOW.replace(second=0, microsecond=0)
    counted(0)
    sampling.sample(begin)
    for minute in range(1, 9):
        counted(minute * 5)
        made = at_once(lambda now=begin + timedelta(minutes=minute): sampling.sample(now))  # type: ignore[misc]
        assert sum(one is not None for one in made) == 1
    rows = Sample.objects.order_by("minute")
    assert [row.figures["turns"] for row in rows] == [0, *[5] * 8]


def test_a_second_look_in_a_minute_takes_nothing_from_the_next(
    transactional_db: None, counted: Callable[[int], None]
) -> None:
    begin = NOW.replace(second=0, microsecond=0)
    for second, turns in ((0, 0), (20, 3), (60, 5)):
        counted(turns)
        sampling.sample(begin + timedelta(seconds=second))
    assert [row.figures["turns"] for row in Sample.objects.order_by("minute")] == [0, 5]


def test_an_alarm_is_raised_and_told_once(
    transactional_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALERT_EMAIL, settings.EMAIL_HOST, settings.EMAIL_FROM = ["root@example.com"], "mail", "nitro@example.com"
    full: dict[str, Any] = {"host": "tower", "role": "web", "gauges": {}, "cpu_percent": 1.0, "memory_percent": 1.0}
    monkeypatch.setattr(readings, "reading", lambda: Reading({}, (full | {"disk_percent": 99.0},)))
    monkeypatch.setattr(measures, "board", type("Board", (), {"read": staticmethod(lambda url: [])}))
    for step in range(20):
        now = NOW + step * timedelta(seconds=30)
        looked = at_once(lambda now=now: alerting.look(now))  # type: ignore[misc]
        assert sum(bool(changes) for changes in looked) <= 1
    assert Alert.objects.filter(raised=True).count() == 1
    assert Notice.objects.count() == 1
    assert sum(at_once(lambda: notices.send(timezone.now()))) == 1
    assert len(mail.outbox) == 1


# --- webhooks and jobs -----------------------------------------------------------------------------------------------


def test_a_message_to_a_webhook_is_sent_once(alice: User, settings: Settings) -> None:
    with receiving() as ear:
        settings.FETCH_ALLOWED_PRIVATE = [("127.0.0.1", ear.port)]
        hooks.webhook_create(user=alice, url=ear.url, events=[HookEvent.ANSWER])
        for number in range(5):
            hooks.announce(user_id=alice.pk, event=HookEvent.ANSWER, data={"number": number})
        assert sum(at_once(lambda: hooks.deliveries_send(now=timezone.now()))) == 5
    assert len({headers["X-Nitro-Delivery"] for headers, _ in ear.heard}) == len(ear.heard) == 5
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


def lost_job(user: User, **more: Any) -> ImageJob:
    """A job whose worker is gone."""
    values = {"prompt": "a boat", "engine": "painter", "width": 64, "height": 64, "steps": 5, "guidance": 7, "seed": 1}
    dead = {"state": "running", "worker": "dead", "lease_until": NOW - DAY, "attempts": 1}
    return ImageJob.objects.create(owner=user, **values, **dead, **more)


def test_a_lost_picture_is_rescued_once_and_counted_once(alice: User) -> None:
    jobs = [lost_job(alice) for _ in range(5)]
    assert sum(at_once(lambda: images.jobs_rescue(now=NOW))) == 5
    for job in jobs:
        job.refresh_from_db()
        assert (job.state, job.losses) == ("queued", 1)


def test_a_rescue_does_not_take_a_job_from_who_has_just_begun_it(alice: User) -> None:
    lost_job(alice)
    images.jobs_rescue(now=NOW)
    assert images.job_claim(worker="alive") is not None
    assert at_once(lambda: images.jobs_rescue(now=NOW)) == [0] * 4
    assert ImageJob.objects.get().worker == "alive"


def test_a_lost_recording_is_rescued_once(alice: User) -> None:
    Recording.objects.create(user=alice, file="none", state="running", owner="dead", lease_until=NOW - DAY, attempts=1)
    assert sum(at_once(lambda: voice.recordings_rescue(now=NOW))) == 1
    assert Recording.objects.get().state == "queued"


# --- and all the others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "task", sorted({entry["task"] for entry in CELERY_BEAT_SCHEDULE.values()} | {NIGHTLY["clean-up"][0]})
)
def test_every_task_of_the_schedule_may_run_twice_at_once(transactional_db: None, task: str) -> None:
    module, _, name = task.rpartition(".")
    at_once(getattr(importlib.import_module(module), name), 2)
