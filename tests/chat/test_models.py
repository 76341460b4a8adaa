"""What is true of one row alone."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from apps.chat.models import Conversation, Message, Turn
from tests.chat.cast import answered, begun

pytestmark = pytest.mark.django_db


def test_a_chat_is_called_by_its_title_or_new(conversation: Conversation) -> None:
    assert conversation.name == "New chat"
    conversation.title = "Trees"
    assert conversation.name == "Trees"


def test_logs_and_lists_name_a_chat_without_a_word_of_its_owner(conversation: Conversation) -> None:
    conversation.title = "Trees"
    assert str(conversation) == f"Conversation {conversation.pk}"


def test_messages_and_turns_say_what_they_are(conversation: Conversation) -> None:
    turn = answered(conversation)
    assert str(turn.question) == f"Question {turn.question_id}"
    assert str(turn.answer) == f"Answer {turn.answer_id}"
    assert str(turn) == f"Question {turn.id} (Done)"


def test_the_database_itself_knows_each_request_of_a_chat_once(conversation: Conversation) -> None:
    turn = begun(conversation).turn
    again = Turn(conversation=conversation, question=turn.question, answer=turn.answer, request_id=turn.request_id)
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save(force_insert=True)


def test_a_chat_that_is_gone_takes_its_messages_and_turns_along(conversation: Conversation) -> None:
    answered(conversation)
    conversation.delete()
    assert (Message.objects.count(), Turn.objects.count()) == (0, 0)
