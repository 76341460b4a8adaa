"""The statements in which turns begin, are kept and end: what they refuse, and what happens at once."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.chat import conversation_services, services, statements
from apps.chat.models import Conversation, Message, Turn
from apps.chat.statements import Place
from tests.chat.cast import HERE, answered, begun, request

pytestmark = pytest.mark.django_db


def place(conversation: Conversation) -> Place:
    found = statements.place(conversation_id=conversation.id, user_id=conversation.owner_id, request_id=uuid4())
    assert found is not None
    return found


def turn_below(where: Place) -> tuple[Turn, list[Message]]:
    question = Message(conversation_id=where.conversation_id, parent_id=where.leaf_id, role="user", text="Hi")
    answer = Message(conversation_id=where.conversation_id, parent_id=question.id, role="assistant")
    return (
        Turn(
            conversation_id=where.conversation_id,
            question=question,
            answer=answer,
            owner=HERE,
            created_at=timezone.now(),
        ),
        [question, answer],
    )


def test_a_place_is_below_the_leaf(conversation: Conversation) -> None:
    turn = answered(conversation)
    assert (place(conversation).leaf_id, place(conversation).leaf_position) == (turn.answer_id, 1)


def test_strangers_find_no_place(conversation: Conversation) -> None:
    assert statements.place(conversation_id=conversation.id, user_id=0, request_id=uuid4()) is None


def test_nothing_is_saved_where_the_conversation_has_moved_on(conversation: Conversation) -> None:
    seen = place(conversation)
    begun(conversation)
    turn, new = turn_below(seen)
    assert not statements.begin(seen, turn, new=new, title="")
    assert (Message.objects.count(), Turn.objects.count()) == (2, 1)


def test_a_title_given_meanwhile_stays(conversation: Conversation) -> None:
    seen = place(conversation)
    conversation_services.conversation_rename(user=conversation.owner, conversation_id=conversation.id, title="Mine")
    turn, new = turn_below(seen)
    assert statements.begin(seen, turn, new=new, title="Hi")
    conversation.refresh_from_db()
    assert (conversation.title, conversation.leaf_id) == ("Mine", new[-1].id)


def test_a_deleted_conversation_takes_no_more_questions(conversation: Conversation) -> None:
    seen = place(conversation)
    conversation_services.conversation_delete(user=conversation.owner, conversation_id=conversation.id)
    turn, new = turn_below(seen)
    assert not statements.begin(seen, turn, new=new, title="")


@pytest.mark.django_db(transaction=True)
def test_different_questions_at_once_stand_one_below_the_other(conversation: Conversation) -> None:
    def ask() -> None:
        services.turn_ask(request=request(conversation), text="Hi")
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    positions = Message.objects.filter(conversation=conversation).order_by("position")
    assert list(positions.values_list("position", flat=True)) == list(range(24))


def first_question() -> tuple[Turn, list[Message]]:
    return turn_below(Place(uuid4(), "", "", "", None))


def test_a_chat_begins_with_its_first_question_and_tells_what_its_owner_wants_known(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(system_prompt="I bake.")
    turn, new = first_question()
    assert statements.begin_first(turn, user_id=alice.pk, model="builtin", new=new, title="Hi") == "I bake."
    chat = Conversation.objects.get(pk=turn.conversation_id)
    assert (chat.owner, chat.title, chat.model, chat.leaf_id) == (alice, "Hi", "builtin", new[-1].id)
    assert (chat.options, chat.system_prompt, chat.deleted_at) == ({}, "", None)
    assert list(chat.messages.order_by("position").values_list("role", flat=True)) == ["user", "assistant"]


def test_no_chat_begins_for_somebody_who_is_not_active(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    turn, new = first_question()
    assert statements.begin_first(turn, user_id=alice.pk, model="", new=new, title="Hi") is None
    assert (Conversation.objects.count(), Message.objects.count(), Turn.objects.count()) == (0, 0, 0)


def plans() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%chat_turn%%'", [])
        return int(cursor.fetchone()[0])


def test_a_connection_plans_the_steps_of_a_turn_once(conversation: Conversation) -> None:
    for _ in range(2):  # the first turn of a chat stands below nothing, which is a plan of its own
        answered(conversation)
    planned = plans()
    answered(conversation)
    assert planned == plans() >= 3


def test_a_prepared_statement_fails_with_the_errors_of_django(alice: User) -> None:
    turn, new = first_question()
    statements.begin_first(turn, user_id=alice.pk, model="", new=new, title="Hi")
    with pytest.raises(IntegrityError), transaction.atomic():
        statements.begin_first(turn, user_id=alice.pk, model="", new=new, title="Hi")
