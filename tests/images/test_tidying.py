"""Files that no row knows go after a day; what rows know stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core import stored
from apps.images import names, services, studio, tasks, tidying
from apps.images.orders import Order
from tests.images.engines import Scripted

pytestmark = [pytest.mark.django_db(transaction=True)]


def kept(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_an_orphan_goes_after_a_day(alice: User, engine: Scripted, files: Path) -> None:
    services.job_create(user=alice, order=Order("a boat", width=64, height=64))
    studio.work()
    known = kept(files)
    stored.save(names.stored(names.picture(uuid4(), 1, 0, "png")), b"an orphan")
    assert tidying.files_tidy(now=timezone.now()) == 0
    assert tidying.files_tidy(now=timezone.now() + timedelta(days=2)) == 1
    assert kept(files) == known


def test_where_there_is_nothing_there_is_nothing_to_do(db: None, files: Path) -> None:
    assert tasks.tidy() == 0
    assert tasks.purge() == 0
    assert tasks.rescue() == 0


def test_foreign_files_are_left_alone(db: None, files: Path) -> None:
    stored.save("gallery/ab/notes.txt", b"somebody's")
    assert tidying.files_tidy(now=timezone.now() + timedelta(days=2)) == 0
    assert kept(files) == {"notes.txt"}
