"""The beat: however many processes have one, what is due happens once; and an administrator's changes stay."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest
from celery import Celery
from django.conf import settings
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from redis import Redis

from nitro.beat import Beat, Lock, LockLost, Scheduler
from nitro.celery import make
from nitro.process import wait_until

pytestmark = [pytest.mark.django_db(transaction=True)]
QUEUE = "beat-test"
MORE = {"task": "apps.chat.tasks.expire_turn_logs", "schedule": 3600.0}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Celery:
    """An application whose only periodic task is the test's, due every second."""
    monkeypatch.setattr("nitro.beat.RETRY_SECONDS", 0.2)
    monkeypatch.setattr("nitro.beat.WAKE_SECONDS", 0.2)
    PeriodicTask.objects.all().delete()
    second = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.create(name="test", task="nitro.test", interval=second, queue=QUEUE)
    made = make()
    made.conf.beat_schedule = {}
    return made


@pytest.fixture
def redis() -> Iterator[Redis]:
    with Redis.from_url(settings.REDIS_URL) as client:
        client.delete(QUEUE)
        yield client
        client.delete(QUEUE)


@pytest.fixture
def beats(app: Celery) -> Iterator[list[Beat]]:
    made = [Beat(app), Beat(app)]
    yield made
    for beat in made:
        beat.stop()
    for beat in made:
        beat.join(20)
        assert not beat.is_alive()


def sent(redis: Redis) -> int:
    return int(redis.llen(QUEUE))


def test_two_beats_send_each_task_once(beats: list[Beat], redis: Redis) -> None:
    began = time.monotonic()
    for beat in beats:
        beat.start()
    assert wait_until(lambda: sent(redis) >= 3, 60)
    assert sent(redis) <= time.monotonic() - began + 1


def test_when_one_ends_the_other_goes_on(beats: list[Beat], redis: Redis) -> None:
    beats[0].start()
    assert wait_until(lambda: sent(redis) >= 1, 60)
    beats[1].start()
    beats[0].stop()
    beats[0].join(20)
    before = sent(redis)
    assert wait_until(lambda: sent(redis) >= before + 2, 60)


def test_only_one_has_the_lock() -> None:
    first, second = Lock(), Lock()
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    second.release()


def test_a_lock_whose_connection_was_cut_is_noticed() -> None:
    lock = Lock()
    assert lock.take()
    lock.check()
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
        kill = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"
        connection.execute(kill, [0x62656174])
    with pytest.raises(LockLost):
        lock.check()
    lock.release()


def test_a_beat_without_the_lock_sends_nothing(app: Celery, redis: Redis) -> None:
    held = type("Held", (Scheduler,), {"lock": Lock()})
    with pytest.raises(LockLost):
        held(app=app).tick()
    assert sent(redis) == 0


def test_each_task_that_was_sent_is_noted_at_once(app: Celery, redis: Redis) -> None:
    scheduler = Scheduler(app=app)
    assert wait_until(lambda: scheduler.tick() >= 0 and sent(redis) == 2, 60)
    assert PeriodicTask.objects.get(name="test").total_run_count == 2


def test_a_new_task_is_put_into_the_schedule(app: Celery) -> None:
    app.conf.beat_schedule = {"nightly": MORE}
    Scheduler(app=app).setup_schedule()
    assert PeriodicTask.objects.get(name="nightly").interval.every == 3600


def test_what_an_administrator_has_changed_stays(app: Celery) -> None:
    app.conf.beat_schedule = {"nightly": MORE}
    Scheduler(app=app).setup_schedule()
    PeriodicTask.objects.filter(name="nightly").update(enabled=False)
    Scheduler(app=app).setup_schedule()
    assert not PeriodicTask.objects.get(name="nightly").enabled
