"""Files of speech that no row knows go after a day; what rows know stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.core import stored
from apps.voice import services, tasks, tidying
from tests import cast

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timezone.now() + timedelta(days=2)


@pytest.fixture
def files(settings: Settings, tmp_path: Path) -> Path:
    """A storage of the test's own."""
    storages = dict(settings.STORAGES)
    storages["default"] = {**storages["default"], "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = storages
    return tmp_path


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def speak(user: User) -> None:
    """A recording and a spoken clip of theirs."""
    services.recording_create(user=user, name="memo.wav", content=b"RIFF", suffix="wav")
    services.clip_keep(user=user, digest="d", content=b"ID3", suffix="mp3", seconds=1, engine="espeak")


def test_what_belongs_to_somebody_stays(files: Path) -> None:
    speak(cast.alice())
    assert tidying.files_tidy(now=LATER) == 0
    assert len(kept(files)) == 2


def test_with_an_account_its_files_go_a_day_later(files: Path) -> None:
    speak(cast.alice())
    speak(cast.bob())
    User.objects.filter(username="alice").delete()
    assert tidying.files_tidy(now=timezone.now()) == 0
    assert tidying.files_tidy(now=LATER) == 2
    assert len(kept(files)) == 2


def test_foreign_files_are_left_alone(files: Path) -> None:
    stored.save("voice/7/notes.txt", b"somebody's")
    assert tidying.files_tidy(now=LATER) == 0


def test_where_there_is_nothing_there_is_nothing_to_do(files: Path) -> None:
    assert tasks.tidy_files() == 0
