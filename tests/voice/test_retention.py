"""Which recordings and spoken sentences grow old."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.core import stored
from apps.core.models import BulkJob
from apps.voice import bulk, retention, services
from apps.voice.models import Clip, Recording, Segment

pytestmark = pytest.mark.django_db
NOW = timezone.now()
BEFORE = NOW - timedelta(days=30)
OLD = BEFORE - timedelta(hours=1)


@pytest.fixture(autouse=True)
def files(tmp_path: Path, settings: Settings) -> Path:
    """An empty folder for files."""
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"]}}
    settings.STORAGES["default"]["OPTIONS"] = {"location": tmp_path}
    return tmp_path


def recording(alice: User, used: datetime = OLD, **more: object) -> Recording:
    name = f"voice/{alice.pk}/{'a' * 32}.wav"
    stored.save(name, b"sound")
    made = Recording.objects.create(user=alice, name="talk", file=name, state="done", finished_at=OLD, used_at=used)
    Recording.objects.filter(pk=made.pk).update(**(more or {"name": "talk"}))
    Segment.objects.create(recording=made, position=0, start=0, end=1, text="words")
    return made


def browser(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


def test_an_old_recording_is_hidden_first_and_gone_with_its_file_a_day_later(alice: User, files: Path) -> None:
    old = recording(alice)
    assert retention.RECORDINGS.idle(BEFORE) == 1
    assert retention.hide(BEFORE, 10) == 1
    assert browser(alice).get(f"/voice/{old.pk}/").status_code == 404
    assert "talk" not in browser(alice).get("/voice/").content.decode()
    assert services.recordings_purge(now=timezone.now() + timedelta(hours=20)) == 0
    assert services.recordings_purge(now=timezone.now() + timedelta(hours=25)) == 1
    assert not Segment.objects.exists()
    assert not [path for path in files.rglob("*") if path.is_file()]


def test_an_administrator_brings_it_back_as_if_used_today(alice: User) -> None:
    old = recording(alice)
    assert retention.hide(BEFORE, 10) == 1
    assert bulk.restore(BulkJob(), [str(old.pk)]) == 1
    assert browser(alice).get(f"/voice/{old.pk}/").status_code == 200
    assert retention.hide(BEFORE, 10) == 0


def test_one_that_is_kept_stays(alice: User) -> None:
    old = recording(alice)
    browser(alice).post(f"/voice/{old.pk}/keep/", {"kept": "1"})
    assert retention.hide(BEFORE, 10) == 0
    browser(alice).post(f"/voice/{old.pk}/keep/", {"kept": "0"})
    assert retention.hide(BEFORE, 10) == 1


def test_opening_it_makes_it_young_again(alice: User) -> None:
    old = recording(alice)
    assert browser(alice).get(f"/voice/{old.pk}/").status_code == 200
    assert retention.hide(BEFORE, 10) == 0


def test_one_that_is_not_written_down_yet_stays(alice: User) -> None:
    recording(alice, finished_at=None, state="queued")
    assert retention.hide(BEFORE, 10) == 0


def test_spoken_sentences_that_nobody_hears_go_with_their_files(alice: User, files: Path) -> None:
    for number, used in enumerate((OLD, NOW)):
        name = f"voice/{alice.pk}/clips/{str(number) * 32}.wav"
        stored.save(name, b"sound")
        Clip.objects.create(user=alice, digest=str(number), file=name, used_at=used)
    assert retention.CLIPS.idle(BEFORE) == 1
    assert retention.CLIPS.hide(BEFORE, 10) == 1
    assert [path.name for path in files.rglob("*.wav")] == [f"{'1' * 32}.wav"]
