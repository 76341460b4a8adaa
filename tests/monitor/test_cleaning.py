"""The nightly cleanup: announced first, once a night, and never more than was announced."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.core import retention
from apps.core.retention import Kind
from apps.monitor import cleaning
from apps.monitor.models import Cleanup
from tests import cast

pytestmark = pytest.mark.django_db
TONIGHT = timezone.now()
DAY = timedelta(days=1)


class Attic:
    """Things that were last used at some time."""

    def __init__(self, *used: datetime) -> None:
        self.used = list(used)

    def idle(self, before: datetime) -> int:
        return sum(one < before for one in self.used)

    def hide(self, before: datetime, at_most: int) -> int:
        gone = [one for one in self.used if one < before][:at_most]
        self.used = [one for one in self.used if one not in gone]
        return len(gone)


@pytest.fixture
def attic(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Attic:
    settings.SESSION_RETENTION_DAYS = 30
    made = Attic(TONIGHT - 40 * DAY, TONIGHT - 29 * DAY - timedelta(hours=12), TONIGHT)
    monkeypatch.setattr(retention, "_kinds", {"things": Kind("things", made.idle, made.hide)})
    return made


def test_the_first_night_only_announces(attic: Attic) -> None:
    made = cleaning.clean_up(TONIGHT)
    assert made is not None
    assert (made.hidden, made.announced) == ({}, {"things": 2})
    assert len(attic.used) == 3


def test_the_next_night_lets_go_of_what_was_announced(attic: Attic) -> None:
    cleaning.clean_up(TONIGHT)
    made = cleaning.clean_up(TONIGHT + DAY)
    assert made is not None
    assert made.hidden == {"things": 2}
    assert attic.used == [TONIGHT]


def test_a_cleanup_that_comes_late_takes_no_more_than_was_announced(attic: Attic) -> None:
    cleaning.clean_up(TONIGHT)
    made = cleaning.clean_up(TONIGHT + 60 * DAY)
    assert made is not None
    assert made.hidden == {"things": 2}


def test_twice_in_a_night_is_once(attic: Attic) -> None:
    assert cleaning.clean_up(TONIGHT) is not None
    assert cleaning.clean_up(TONIGHT + timedelta(hours=1)) is None
    assert Cleanup.objects.count() == 1


def test_many_things_go_a_few_at_a_time(attic: Attic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    assert retention.hide(TONIGHT + DAY) == {"things": 3}


def test_zero_days_keep_everything(attic: Attic, settings: Settings) -> None:
    settings.SESSION_RETENTION_DAYS = 0
    cleaning.clean_up(TONIGHT)
    made = cleaning.clean_up(TONIGHT + DAY)
    assert made is not None
    assert (made.hidden, len(attic.used)) == ({}, 3)


def said(*words: str) -> str:
    out = StringIO()
    call_command("cleanup", *words, stdout=out)
    return out.getvalue()


def test_a_dry_run_says_what_would_go_and_leaves_it(attic: Attic) -> None:
    assert said("--dry-run") == "1 things that nobody has used for 30 days would be hidden.\n"
    assert len(attic.used) == 3


def test_by_hand_it_goes_at_once(attic: Attic) -> None:
    assert "1 things that nobody has used for 30 days were hidden." in said()
    assert len(attic.used) == 2


def test_sign_ins_that_have_ended_are_removed() -> None:
    client = Client()
    client.force_login(cast.alice())
    Session.objects.update(expire_date=TONIGHT - DAY)
    cleaning.sessions_clear()
    assert not Session.objects.exists()


def test_an_administrator_reads_what_was_done_and_changes_nothing() -> None:
    Cleanup.objects.create(hidden={"things": 2})
    client = Client()
    client.force_login(cast.admin())
    assert "things" in client.get("/admin/monitor/cleanup/").content.decode()
    assert client.get("/admin/monitor/cleanup/add/").status_code == 403
