"""Which pictures grow old: not those that somebody keeps, nor those that hang in a chat."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.chat import conversation_services
from apps.chat.models import Conversation, Message
from apps.core import stored
from apps.core.models import BulkJob
from apps.images import bulk, names, retention, services
from apps.images.models import Image, ImageJob
from tests.access.images import job, picture

pytestmark = pytest.mark.django_db
NOW = timezone.now()
BEFORE = NOW - timedelta(days=30)
OLD = BEFORE - timedelta(hours=1)


def hung(alice: User, created: datetime = OLD, **more: object) -> Image:
    made = picture(job(alice, "done"), 0)
    Image.objects.filter(pk=made.pk).update(created_at=created, **more)
    return Image.objects.select_related("job").get(pk=made.pk)


def is_hidden(image: Image) -> bool:
    return Image.objects.get(pk=image.pk).deleted_at is not None


def test_an_old_picture_is_hidden_and_can_be_brought_back(alice: User) -> None:
    old = hung(alice)
    assert retention.PICTURES.idle(BEFORE) == 1
    assert retention.hide(BEFORE, 10) == 1
    assert is_hidden(old)
    services.image_restore(user=alice, image_id=old.pk)
    assert not is_hidden(old)


def test_an_administrator_brings_it_back_for_good(alice: User) -> None:
    old = hung(alice)
    assert retention.hide(BEFORE, 10) == 1
    assert bulk.restore(BulkJob(), [str(old.pk)]) == 1
    assert not is_hidden(old)
    assert retention.hide(BEFORE, 10) == 0


def test_one_that_is_kept_stays_until_it_is_kept_no_more(alice: User) -> None:
    old = hung(alice)
    services.image_keep(user=alice, image_id=old.pk, kept=True)
    assert retention.hide(BEFORE, 10) == 0
    services.image_keep(user=alice, image_id=old.pk, kept=False)
    assert retention.hide(BEFORE, 10) == 1


def test_a_fresh_one_stays(alice: User) -> None:
    hung(alice, BEFORE + timedelta(seconds=1))
    assert retention.hide(BEFORE, 10) == 0


def test_one_in_a_chat_stays_as_long_as_the_chat(alice: User) -> None:
    old = hung(alice)
    chat = Conversation.objects.create(owner=alice, title="Boats")
    message = Message.objects.create(conversation=chat, role="assistant")
    ImageJob.objects.filter(pk=old.job_id).update(attached_to=message.pk)
    assert retention.hide(BEFORE, 10) == 0
    Conversation.objects.update(deleted_at=NOW - timedelta(days=2))
    assert conversation_services.conversations_purge(now=NOW) == 1
    assert retention.hide(BEFORE, 10) == 1


def test_its_files_go_a_day_after_it_was_hidden(alice: User, files: Path) -> None:
    old = hung(alice)
    for name in (old.file, old.thumbnail):
        stored.save(names.stored(name), b"a picture")
    retention.hide(BEFORE, 10)
    assert services.images_purge(now=NOW + timedelta(hours=20)) == 0
    assert services.images_purge(now=timezone.now() + timedelta(hours=25)) == 1
    assert not [path for path in files.rglob("*") if path.is_file()]


def test_an_order_of_which_nothing_is_left_is_forgotten_with_its_words(alice: User) -> None:
    empty, shown, chatted = (job(alice, "failed") for _ in range(3))
    picture(shown, 0)
    ImageJob.objects.update(finished_at=OLD)
    ImageJob.objects.filter(pk=chatted.pk).update(attached_to=uuid4())
    assert retention.ORDERS.idle(BEFORE) == 1
    assert retention.ORDERS.hide(BEFORE, 10) == 1
    assert not ImageJob.objects.filter(pk=empty.pk).exists()


def test_an_order_that_is_being_drawn_is_not_touched(alice: User) -> None:
    waiting = job(alice, "queued")
    ImageJob.objects.filter(pk=waiting.pk).update(created_at=OLD)
    assert retention.ORDERS.hide(BEFORE, 10) == 0


def test_the_gallery_says_a_week_before_that_a_picture_goes(alice: User, settings: Settings) -> None:
    settings.SESSION_RETENTION_DAYS = 30
    soon = hung(alice, NOW - timedelta(days=25))
    client = Client()
    client.force_login(alice)
    going = (NOW + timedelta(days=5)).strftime("%-d %B")
    assert f"goes on {going} unless you keep it" in client.get(f"/images/{soon.pk}/").content.decode()
    client.post(f"/images/{soon.pk}/keep/", {"kept": "1"})
    assert "goes on" not in client.get("/images/").content.decode()
    assert 'data-kept="1"' in client.get("/images/").content.decode()


@pytest.mark.parametrize(("days", "age"), [(0, 400), (30, 3), (365, 40)])
def test_it_says_nothing_where_that_is_far_or_never(alice: User, settings: Settings, days: int, age: int) -> None:
    settings.SESSION_RETENTION_DAYS = days
    assert retention.goes_at(hung(alice, NOW - timedelta(days=age))) is None


def test_one_that_is_overdue_is_not_said_to_be_gone(alice: User, settings: Settings) -> None:
    settings.SESSION_RETENTION_DAYS = 30
    going = retention.goes_at(hung(alice, NOW - timedelta(days=300)))
    assert going is not None
    assert going > NOW
