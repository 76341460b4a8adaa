"""Alarms from the reading to the message: told once however many look, and never without a reason."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.images.models import ImageJob
from apps.llm.farm import Condition
from apps.monitor import alerting, measures, notices, readings, selectors
from apps.monitor.models import Alert, Notice, Sample
from apps.monitor.readings import Reading, Stores
from tests import cast
from tests.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MINUTE = timedelta(minutes=1)


def process(host: str = "tower", **facts: float) -> dict[str, Any]:
    told = {"cpu_percent": 5.0, "memory_percent": 40.0, "disk_percent": 50.0, **facts}
    return {"host": host, "role": "web", "gauges": {}, **told}


class World:
    """What the next look finds."""

    def __init__(self) -> None:
        self.reading = Reading({}, (process(),))
        self.servers: list[Condition] = []

    def disk(self, percent: float) -> None:
        self.reading = Reading({}, (process(disk_percent=percent),))

    def silence(self, seconds: float) -> None:
        self.reading = Reading({}, (process(),), at=1000.0 + seconds, stores=Stores(worker_heard_at=1000.0))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> World:
    made = World()
    monkeypatch.setattr(readings, "reading", lambda: made.reading)
    monkeypatch.setattr(measures, "board", SimpleNamespace(read=lambda url: made.servers))
    settings.ALERT_EMAIL, settings.EMAIL_HOST, settings.EMAIL_FROM = ["root@example.com"], "mail", "nitro@example.com"
    return made


def looks(minutes: float, began: datetime = NOW) -> list[str]:
    """Look twice a minute for so long; returns what was told."""
    found = []
    for number in range(int(minutes * 2) + 1):
        found += [change.sentence() for change in alerting.look(began + number * MINUTE / 2)]
    return found


def test_a_full_disk_is_told_once_by_mail_and_once_when_it_is_over(world: World) -> None:
    world.disk(95)
    assert looks(30) == ["The disk with the data of tower is 95 % full."]
    world.disk(20)
    assert looks(30, NOW + 31 * MINUTE) == ["Over: disk of tower."]
    assert notices.send(NOW + 62 * MINUTE) == 2
    first, second = mail.outbox
    assert first.subject == "Nitro: The disk with the data of tower is 95 % full."
    assert "nitro cleanup --dry-run" in first.body
    assert (first.to, first.from_email) == (["root@example.com"], "nitro@example.com")
    assert second.subject == "Nitro: Over: disk of tower."


def test_two_processes_tell_it_once(world: World) -> None:
    world.disk(95)
    for number in range(20):
        alerting.look(NOW + number * MINUTE / 2)
        assert alerting.look(NOW + number * MINUTE / 2 + timedelta(seconds=1)) == []
    assert Notice.objects.count() == 1
    assert notices.send(NOW + 11 * MINUTE) == 1
    assert notices.send(NOW + 12 * MINUTE) == 0
    assert len(mail.outbox) == 1


def test_many_at_once_are_one_message(world: World) -> None:
    world.reading = Reading({}, tuple(process(f"host-{number}", disk_percent=99) for number in range(20)))
    looks(5)
    assert notices.send(NOW + 6 * MINUTE) == 1
    (message,) = mail.outbox
    assert message.subject.endswith("(and 19 more)")
    assert "host-19" in message.body


def test_a_silent_worker_is_noticed_by_the_others(world: World) -> None:
    world.silence(400)
    assert looks(5) == ["The worker has given no sign of life for 400 s."]
    world.silence(3)
    assert looks(5, NOW + 10 * MINUTE) == ["Over: worker."]


def test_a_model_server_that_no_process_asks_any_more_is_told(world: World, settings: Settings) -> None:
    settings.AI_MODEL = "openai"
    world.servers = [Condition("openai", 1, "open", 3, 9.0, "canary")] * 2
    assert looks(4) == ["The model server openai 1 fails."]
    world.servers = [Condition("openai", 1, "open", 3, 9.0, ""), Condition("openai", 1, "closed", 0, 0.0, "")]
    assert looks(8, NOW + 10 * MINUTE) == ["Over: provider of openai 1."]


def test_an_ollama_that_nobody_asked_for_may_be_away(world: World, settings: Settings) -> None:
    settings.AI_MODEL, settings.OLLAMA_BASE_URL = "auto", "http://localhost:11434"
    world.servers = [Condition("ollama", 1, "open", 3, 9.0, "")]
    assert looks(10) == []


def test_answers_that_fail_are_told_when_there_are_enough_of_them(world: World) -> None:
    Sample.objects.create(minute=NOW, figures={"turns": 2, "failed": 2})
    assert looks(10) == []
    Sample.objects.create(minute=NOW + MINUTE, figures={"turns": 8, "failed": 5})
    assert looks(10, NOW + 11 * MINUTE) == ["70 % of the answers of the last minutes failed."]


def test_while_redis_is_away_nothing_else_changes(world: World) -> None:
    world.disk(95)
    looks(5)
    world.reading = Reading({}, (), redis=False)
    assert looks(30, NOW + 6 * MINUTE) == ["Redis does not answer."]
    assert Alert.objects.get(rule="disk").raised


def test_a_limit_can_be_set(world: World, settings: Settings) -> None:
    settings.ALERT_LIMITS = {"disk": 97}
    world.disk(95)
    assert looks(10) == []


def test_work_that_nobody_takes_is_told(world: World) -> None:
    assert selectors.waits() == {"images": 0.0, "voice": 0.0}
    order = {"prompt": "p", "width": 64, "height": 64, "steps": 1, "guidance": 1, "seed": 1, "engine": "painter"}
    job = ImageJob.objects.create(owner=cast.alice(), created_at=timezone.now() - 10 * MINUTE, **order)
    assert looks(2)[0].startswith("Work has waited in the queue images for 600 s")
    job.state = "running"
    job.save()
    assert selectors.waits()["images"] == 0.0


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    with receiving() as made:
        settings.ALERT_WEBHOOK_URL, settings.ALERT_WEBHOOK_SECRET = made.url, "a secret"
        settings.FETCH_ALLOWED_PRIVATE = [("127.0.0.1", made.port)]
        settings.ALERT_EMAIL = []
        yield made


def test_a_webhook_is_told_and_can_check_who_told_it(world: World, receiver: Receiver, settings: Settings) -> None:
    settings.ALERT_EMAIL = []
    settings.PUBLIC_URL = "https://nitro.example.com"
    world.disk(95)
    looks(5)
    assert notices.send(NOW + 6 * MINUTE) == 1
    ((headers, body),) = receiver.heard
    said = json.loads(body)
    assert (said["event"], said["raised"]) == ("alert", ["The disk with the data of tower is 95 % full."])
    assert "https://nitro.example.com/performance/" in said["text"]
    at, signed = headers["X-Nitro-Signature"].removeprefix("t=").split(",v1=")
    assert signed == hmac.new(b"a secret", f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def test_a_webhook_that_is_away_is_told_later_and_given_up_in_the_end(world: World, receiver: Receiver) -> None:
    receiver.status = 500
    notices.write(["It burns."], [], [])
    Notice.objects.filter(channel="email").delete()
    now = timezone.now() + MINUTE
    while (row := Notice.objects.get()).next_at is not None:
        now = max(now, row.next_at)
        assert notices.send(now) == 0
    assert len(receiver.heard) == len(notices.PAUSES) + 1
    assert "500" in row.problem


def test_a_mail_server_that_is_away_is_asked_again(world: World, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", 9, False
    notices.write(["It burns."], [], [])
    assert notices.send(timezone.now()) == 0
    row = Notice.objects.get()
    assert row.next_at is not None
    assert "mail server" in row.problem


def test_without_a_way_out_the_log_has_it(world: World, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.ALERT_EMAIL = []
    world.disk(95)
    looks(5)
    assert not Notice.objects.exists()
    assert "Alarm: The disk with the data of tower is 95 % full." in caplog.messages


@pytest.mark.parametrize(("name", "sees"), [("admin", True), ("alice", False)])
def test_the_page_shows_administrators_what_is_wrong(name: str, sees: bool) -> None:
    Alert.objects.create(rule="disk", subject="tower", raised=True, value=95)
    client = Client()
    client.force_login(cast.admin() if name == "admin" else cast.alice())
    assert ("The disk with the data of tower is 95 % full." in client.get("/performance/").content.decode()) is sees
