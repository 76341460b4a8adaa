"""A chat that begins with its question: one statement saves both, once, and for its owner alone."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from apps.accounts.models import User
from apps.chat import services
from apps.chat.models import Conversation, Message, Turn
from apps.chat.services import Request
from apps.core.errors import NotFound
from tests.chat.cast import HERE

pytestmark = pytest.mark.django_db


def test_a_chat_that_begins_with_its_question_is_whole(alice: User) -> None:
    asked = first_request(alice)
    begun = services.turn_ask(request=asked, text="Hello there")
    assert (begun.created, begun.title) == (True, "Hello there")
    turn = Turn.objects.select_related("question", "answer", "conversation").get(pk=begun.turn.pk)
    assert (turn.conversation_id, turn.conversation.owner, turn.choice) == (asked.conversation_id, alice, "builtin")
    assert (turn.question.text, turn.answer.parent_id, turn.answer.position) == ("Hello there", turn.question_id, 1)


@pytest.mark.django_db(transaction=True)
def test_a_try_whose_confirmation_was_lost_begins_its_chat_once(alice: User) -> None:
    asked = first_request(alice)
    first = services.turn_ask(request=asked, text="Hello there")
    again = services.turn_ask(request=asked, text="Hello there")
    assert (again.turn, again.created) == (first.turn, False)
    assert (Conversation.objects.count(), Message.objects.count(), Turn.objects.count()) == (1, 2, 1)


@pytest.mark.django_db(transaction=True)
def test_nobody_begins_a_chat_that_somebody_else_has(conversation: Conversation, bob: User) -> None:
    with pytest.raises(NotFound):
        services.turn_ask(request=replace(first_request(bob), conversation_id=conversation.pk), text="Mine now")
    assert not Message.objects.exists()


def test_no_chat_begins_for_somebody_who_is_not_active(alice: User) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(NotFound):
        services.turn_ask(request=first_request(alice), text="Hello there")
    assert not Conversation.objects.exists()


def first_request(user: User) -> Request:
    """A request whose chat is not there yet."""
    return Request(user.pk, uuid.uuid4(), uuid.uuid4(), HERE, choice="builtin", begins_chat=True)
