"""Writes of the chat: each is done whole or not at all, once, and only for the owner."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.chat import conversation_services, selectors, services
from apps.chat.models import Conversation, Message, Turn
from apps.chat.selectors import Orphan
from apps.chat.services import Checkpoint
from apps.core.errors import Invalid, NotFound
from tests.chat.cast import HERE, answered, begun, outcome, request

pytestmark = pytest.mark.django_db


# --- conversations ---------------------------------------------------------------------------------------------------


def test_a_title_is_made_one_line_and_never_blank(alice: User, conversation: Conversation) -> None:
    renamed = conversation_services.conversation_rename(
        user=alice, conversation_id=conversation.id, title=" A\n b\x00\t" + "x" * 200
    )
    assert renamed.title.startswith("A b x")
    assert len(renamed.title) == 120
    with pytest.raises(Invalid):
        conversation_services.conversation_rename(user=alice, conversation_id=conversation.id, title="\x00 \n")


def test_a_chat_keeps_the_model_that_was_chosen(alice: User, conversation: Conversation) -> None:
    conversation_services.conversation_set_model(user=alice, conversation_id=conversation.id, model="openai:big")
    conversation.refresh_from_db()
    assert begun(conversation).turn.choice == "openai:big"


def test_a_deleted_chat_is_gone_and_can_be_brought_back(alice: User, conversation: Conversation) -> None:
    conversation_services.conversation_delete(user=alice, conversation_id=conversation.id)
    with pytest.raises(NotFound):
        selectors.conversation_get(user=alice, conversation_id=conversation.id)
    conversation_services.conversation_restore(user=alice, conversation_id=conversation.id)
    assert selectors.conversation_get(user=alice, conversation_id=conversation.id) == conversation


def test_what_is_not_deleted_cannot_be_brought_back(alice: User, conversation: Conversation) -> None:
    with pytest.raises(NotFound):
        conversation_services.conversation_restore(user=alice, conversation_id=conversation.id)


def test_deleting_a_chat_asks_its_running_answers_to_stop(alice: User, conversation: Conversation) -> None:
    turn = begun(conversation).turn
    conversation_services.conversation_delete(user=alice, conversation_id=conversation.id)
    assert selectors.stop_requests(owner=HERE) == [turn.id]


def test_only_what_was_deleted_a_day_ago_is_purged(alice: User, conversation: Conversation) -> None:
    answered(conversation)
    conversation_services.conversation_delete(user=alice, conversation_id=conversation.id)
    assert conversation_services.conversations_purge(now=timezone.now()) == 0
    assert conversation_services.conversations_purge(now=timezone.now() + conversation_services.UNDO_WINDOW) == 1
    assert not Message.objects.exists()
    assert not Turn.objects.exists()


# --- the beginning of a turn -----------------------------------------------------------------------------------------


def test_a_question_is_saved_with_an_empty_answer_and_a_running_turn(conversation: Conversation) -> None:
    turn = begun(conversation, "What is a tree?").turn
    conversation.refresh_from_db()
    assert (turn.state, turn.kind, turn.owner) == (Turn.State.RUNNING, Turn.Kind.ASK, HERE)
    assert turn.question.text == "What is a tree?"
    assert (turn.answer.text, turn.answer.parent) == ("", turn.question)
    assert conversation.leaf_id == turn.answer_id
    assert conversation.title


def test_questions_make_a_path(conversation: Conversation) -> None:
    first, second = answered(conversation, "One"), begun(conversation, "Two").turn
    assert second.question.parent_id == first.answer_id
    assert [second.question.position, second.answer.position] == [2, 3]


def test_the_title_is_that_of_the_first_question(conversation: Conversation) -> None:
    title = begun(conversation, "First things first").title
    assert begun(conversation, "Something else").title == title


def test_the_same_request_begins_nothing_twice(conversation: Conversation) -> None:
    asked = request(conversation)
    first, again = (services.turn_ask(request=asked, text="Hi") for _ in range(2))
    assert (first.created, again.created) == (True, False)
    assert first.turn == again.turn
    assert Message.objects.count() == 2


def test_a_request_of_another_kind_with_the_same_id_is_the_same_request(conversation: Conversation) -> None:
    turn = answered(conversation)
    asked = request(conversation, id=turn.request_id)
    assert services.turn_retry(request=asked, message_id=turn.answer_id).turn == turn
    assert services.turn_edit(request=asked, message_id=turn.question_id, text="Ho").turn == turn
    assert services.turn_continue(request=asked, turn_id=turn.id).turn == turn


def test_the_same_id_in_another_chat_is_another_request(alice: User, conversation: Conversation) -> None:
    turn = begun(conversation).turn
    other = conversation_services.conversation_create(user=alice)
    assert services.turn_ask(request=request(other, id=turn.request_id), text="Hi").created


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_begin_one_turn(conversation: Conversation) -> None:
    asked, results = request(conversation), []

    def ask() -> None:
        results.append(services.turn_ask(request=asked, text="Hi").created)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 19 + [True]
    assert Message.objects.count() == 2


def test_a_retry_is_another_answer_to_the_same_question(conversation: Conversation) -> None:
    old = answered(conversation)
    new = services.turn_retry(request=request(conversation), message_id=old.answer_id).turn
    conversation.refresh_from_db()
    assert new.question_id == old.question_id
    assert new.answer.parent_id == old.question_id
    assert conversation.leaf_id == new.answer_id != old.answer_id


def test_an_edit_is_another_question_in_the_same_place(conversation: Conversation) -> None:
    before, old = answered(conversation, "One"), answered(conversation, "Two")
    new = services.turn_edit(request=request(conversation), message_id=old.question_id, text="Three").turn
    assert new.question.parent_id == before.answer_id
    assert new.question.position == old.question.position
    assert new.question.text == "Three"


def test_the_first_question_can_be_edited(conversation: Conversation) -> None:
    old = answered(conversation)
    new = services.turn_edit(request=request(conversation), message_id=old.question_id, text="Ho").turn
    assert new.question.parent is None


def test_a_continuation_goes_on_in_the_same_answer(conversation: Conversation) -> None:
    old = answered(conversation, answer="Good day")
    new = services.turn_continue(request=request(conversation), turn_id=old.id).turn
    assert new.answer_id == old.answer_id
    assert new.base_length == len("Good day")
    assert Message.objects.count() == 2


def test_an_answer_that_is_being_written_cannot_be_continued(conversation: Conversation) -> None:
    turn = begun(conversation).turn
    with pytest.raises(Invalid) as caught:
        services.turn_continue(request=request(conversation), turn_id=turn.id)
    assert caught.value.code == "turn_running"


def test_a_continuation_has_the_words_of_an_answer_that_ends_just_now(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, look = begun(conversation).turn, QuerySet.exists

    def end_and_look(rows: QuerySet[Turn]) -> bool:
        services.turn_finish(turn_id=turn.id, owner=HERE, outcome=outcome("Good day"))
        return look(rows)

    monkeypatch.setattr(QuerySet, "exists", end_and_look)
    again = services.turn_continue(request=request(conversation), turn_id=turn.id).turn
    assert (again.base_length, again.answer.text) == (8, "Good day")


def test_a_question_cannot_be_retried_nor_an_answer_edited(conversation: Conversation) -> None:
    turn = answered(conversation)
    with pytest.raises(Invalid):
        services.turn_retry(request=request(conversation), message_id=turn.question_id)
    with pytest.raises(Invalid):
        services.turn_edit(request=request(conversation), message_id=turn.answer_id, text="Ho")


def test_messages_and_turns_of_another_chat_of_the_same_user_are_not_found(conversation: Conversation) -> None:
    turn = answered(conversation)
    other = request(conversation_services.conversation_create(user=conversation.owner))
    with pytest.raises(NotFound):
        services.turn_retry(request=other, message_id=turn.answer_id)
    with pytest.raises(NotFound):
        services.turn_edit(request=other, message_id=turn.question_id, text="Ho")
    with pytest.raises(NotFound):
        services.turn_continue(request=other, turn_id=turn.id)


# --- while it runs, and its end --------------------------------------------------------------------------------------


def test_leases_are_renewed_and_wishes_to_stop_are_heard(alice: User, conversation: Conversation) -> None:
    turn = begun(conversation).turn
    Turn.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert services.leases_renew(turn_ids=[turn.id], owner=HERE) == []
    services.turn_request_stop(user=alice, conversation_id=conversation.id, turn_id=turn.id)
    assert services.leases_renew(turn_ids=[turn.id], owner=HERE) == [turn.id]
    turn.refresh_from_db()
    assert turn.lease_until is not None
    assert turn.lease_until > timezone.now()


def test_the_leases_of_others_are_left_alone(conversation: Conversation) -> None:
    turn = begun(conversation).turn
    services.leases_renew(turn_ids=[turn.id], owner="somebody/else/1")
    before, turn.lease_until = turn.lease_until, None
    turn.refresh_from_db()
    assert turn.lease_until == before


def test_a_checkpoint_saves_the_words_so_far(conversation: Conversation) -> None:
    turns = [begun(conversation).turn for _ in range(3)]
    services.turns_checkpoint(checkpoints=[Checkpoint(t.id, f"So far {n}", [4, 8]) for n, t in enumerate(turns)])
    for number, turn in enumerate(turns):
        turn.refresh_from_db()
        turn.answer.refresh_from_db()
        assert (turn.answer.text, turn.marks) == (f"So far {number}", [4, 8])


def test_a_late_checkpoint_does_not_touch_an_ended_turn(conversation: Conversation) -> None:
    turn = answered(conversation, answer="All of it")
    services.turns_checkpoint(checkpoints=[Checkpoint(turn.id, "Half", [4])])
    turn.answer.refresh_from_db()
    assert turn.answer.text == "All of it"


def test_the_end_is_saved_once(conversation: Conversation) -> None:
    turn = begun(conversation).turn
    assert services.turn_finish(turn_id=turn.id, owner=HERE, outcome=outcome("First"))
    assert not services.turn_finish(turn_id=turn.id, owner=HERE, outcome=outcome("Second"))
    turn.refresh_from_db()
    turn.answer.refresh_from_db()
    assert (turn.answer.text, turn.state, turn.lease_until) == ("First", Turn.State.DONE, None)
    assert turn.finished_at is not None


def test_nobody_but_the_owner_ends_a_turn(conversation: Conversation) -> None:
    turn = begun(conversation).turn
    assert not services.turn_finish(turn_id=turn.id, owner="somebody/else/1", outcome=outcome())
    assert not services.turn_interrupt(orphan=Orphan(turn.id, "somebody/else/1"), outcome=outcome())


def test_one_repairer_of_many_wins(conversation: Conversation) -> None:
    turn = begun(conversation).turn
    results = [
        services.turn_interrupt(orphan=Orphan(turn.id, HERE), outcome=outcome(state=Turn.State.INTERRUPTED))
        for _ in range(3)
    ]
    assert results == [True, False, False]


def test_an_owner_who_was_only_cut_off_has_the_last_word(conversation: Conversation) -> None:
    turn = begun(conversation).turn
    services.turn_interrupt(orphan=Orphan(turn.id, HERE), outcome=outcome("Good", state=Turn.State.INTERRUPTED))
    assert services.turn_finish(turn_id=turn.id, owner=HERE, outcome=outcome("Good day"))
    turn.answer.refresh_from_db()
    assert turn.answer.text == "Good day"


def test_an_owner_who_was_cut_off_comes_too_late_for_an_answer_that_went_on(conversation: Conversation) -> None:
    turn = begun(conversation).turn
    services.turn_interrupt(orphan=Orphan(turn.id, HERE), outcome=outcome("Good", state=Turn.State.INTERRUPTED))
    later = services.turn_continue(request=request(conversation), turn_id=turn.id).turn
    assert services.turn_finish(turn_id=later.id, owner=HERE, outcome=outcome("Good evening"))
    assert not services.turn_finish(turn_id=turn.id, owner=HERE, outcome=outcome("Good day"))
    turn.answer.refresh_from_db()
    assert turn.answer.text == "Good evening"


def test_html_is_kept_only_for_the_text_it_was_made_of(conversation: Conversation) -> None:
    message = answered(conversation, answer="Old").answer
    stale = Message.objects.get(id=message.id)
    Message.objects.filter(id=message.id).update(text="New")
    services.html_save(message=stale, html="<p>Old</p>", version=3)
    message.refresh_from_db()
    assert message.html_version != 3


# --- Bob -------------------------------------------------------------------------------------------------------------


BOBS_TRIES: dict[str, Callable[[User, Turn], Any]] = {
    "conversation_rename": lambda bob, turn: conversation_services.conversation_rename(
        user=bob, conversation_id=turn.conversation_id, title="Mine"
    ),
    "conversation_set_model": lambda bob, turn: conversation_services.conversation_set_model(
        user=bob, conversation_id=turn.conversation_id, model="m"
    ),
    "conversation_delete": lambda bob, turn: conversation_services.conversation_delete(
        user=bob, conversation_id=turn.conversation_id
    ),
    "conversation_restore": lambda bob, turn: conversation_services.conversation_restore(
        user=bob, conversation_id=turn.conversation_id
    ),
    "version_select": lambda bob, turn: conversation_services.version_select(
        user=bob, conversation_id=turn.conversation_id, message_id=turn.answer_id
    ),
    "turn_ask": lambda bob, turn: services.turn_ask(request=request(turn.conversation, user=bob), text="Hi"),
    "turn_ask again": lambda bob, turn: services.turn_ask(
        request=request(turn.conversation, user=bob, id=turn.request_id), text="Hi"
    ),
    "turn_retry": lambda bob, turn: services.turn_retry(
        request=request(turn.conversation, user=bob), message_id=turn.answer_id
    ),
    "turn_edit": lambda bob, turn: services.turn_edit(
        request=request(turn.conversation, user=bob), message_id=turn.question_id, text="Hi"
    ),
    "turn_continue": lambda bob, turn: services.turn_continue(
        request=request(turn.conversation, user=bob), turn_id=turn.id
    ),
    "turn_request_stop": lambda bob, turn: services.turn_request_stop(
        user=bob, conversation_id=turn.conversation_id, turn_id=turn.id
    ),
}


@pytest.mark.parametrize("name", BOBS_TRIES)
def test_bob_finds_nothing_of_alices_and_changes_nothing(conversation: Conversation, bob: User, name: str) -> None:
    turn = answered(conversation)
    before = (Message.objects.count(), Turn.objects.count(), *Conversation.objects.values_list())
    with pytest.raises(NotFound):
        BOBS_TRIES[name](bob, turn)
    assert (Message.objects.count(), Turn.objects.count(), *Conversation.objects.values_list()) == before


@pytest.mark.parametrize("name", [name for name in BOBS_TRIES if name.startswith("turn_") and name != "turn_ask"])
def test_bob_gets_nothing_through_a_chat_of_his_own(conversation: Conversation, bob: User, name: str) -> None:
    turn = answered(conversation)
    turn.conversation = conversation_services.conversation_create(user=bob)
    if name == "turn_ask again":
        assert services.turn_ask(request=request(turn.conversation, id=turn.request_id), text="Hi").turn != turn
        return
    with pytest.raises(NotFound):
        BOBS_TRIES[name](bob, turn)


def test_somebody_who_is_not_active_any_more_begins_nothing(conversation: Conversation) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(NotFound):
        begun(conversation)


def test_an_unknown_chat_is_not_found(alice: User, conversation: Conversation) -> None:
    conversation.id = uuid.uuid4()
    with pytest.raises(NotFound):
        begun(conversation)
