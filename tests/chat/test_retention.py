"""Which chats grow old, and that hiding them disturbs nobody."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from apps.chat import bulk, conversation_services, retention
from apps.chat.models import Conversation, Message, Turn
from apps.core.models import BulkJob
from tests import cast

pytestmark = pytest.mark.django_db
BEFORE = timezone.now() - timedelta(days=30)


def chat(*, used: datetime, **more: object) -> Conversation:
    made = conversation_services.conversation_create(user=cast.alice(), title="old")
    Conversation.objects.filter(pk=made.pk).update(updated_at=used, **more)
    return made


def hidden(conversation: Conversation) -> bool:
    return Conversation.objects.get(pk=conversation.pk).deleted_at is not None


def test_a_chat_that_nobody_has_used_is_hidden_and_can_be_brought_back() -> None:
    old = chat(used=BEFORE - timedelta(hours=1))
    assert retention.count(BEFORE) == 1
    assert retention.hide(BEFORE, 10) == 1
    assert hidden(old)
    conversation_services.conversation_restore(user=cast.alice(), conversation_id=old.pk)
    assert not hidden(old)


def test_what_an_administrator_brings_back_is_not_hidden_again_in_the_next_night() -> None:
    old = chat(used=BEFORE - timedelta(hours=1))
    retention.hide(BEFORE, 10)
    assert bulk.restore(BulkJob(), [str(old.pk)]) == 1
    assert retention.hide(BEFORE, 10) == 0
    assert not hidden(old)


def test_a_chat_that_was_used_stays() -> None:
    fresh = chat(used=BEFORE + timedelta(seconds=1))
    assert retention.hide(BEFORE, 10) == 0
    assert not hidden(fresh)


def test_a_pinned_chat_stays_however_old() -> None:
    pinned = chat(used=BEFORE - timedelta(days=900), pinned_at=timezone.now())
    assert retention.hide(BEFORE, 10) == 0
    assert not hidden(pinned)


def test_a_chat_that_is_being_answered_stays() -> None:
    old = chat(used=BEFORE - timedelta(days=1))
    question = Message.objects.create(conversation=old, role=Message.Role.USER, text="?")
    answer = Message.objects.create(conversation=old, role=Message.Role.ASSISTANT, parent=question, position=1)
    Turn.objects.create(conversation=old, question=question, answer=answer, state=Turn.State.RUNNING)
    assert retention.hide(BEFORE, 10) == 0


def test_only_so_many_are_hidden_at_once_the_oldest_first() -> None:
    oldest = chat(used=BEFORE - timedelta(days=3))
    old = chat(used=BEFORE - timedelta(days=1))
    assert retention.hide(BEFORE, 1) == 1
    assert (hidden(oldest), hidden(old)) == (True, False)
