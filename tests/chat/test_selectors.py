"""Reads of the chat: the shown path, its versions, and what nobody else sees."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.chat import conversation_services, selectors, services
from apps.chat.models import Conversation, Turn
from apps.core.errors import NotFound
from tests.chat.cast import HERE, answered, begun, request

pytestmark = pytest.mark.django_db


def texts(thread: selectors.Thread) -> list[str]:
    return [shown.message.text for shown in thread.shown]


def test_a_thread_is_the_shown_path_oldest_first(alice: User, conversation: Conversation) -> None:
    answered(conversation, "One", "Eins")
    answered(conversation, "Two", "Zwei")
    thread = selectors.thread_get(user=alice, conversation_id=conversation.id)
    assert texts(thread) == ["One", "Eins", "Two", "Zwei"]
    assert thread.earlier is None


def test_an_empty_chat_has_an_empty_thread(alice: User, conversation: Conversation) -> None:
    assert texts(selectors.thread_get(user=alice, conversation_id=conversation.id)) == []


def test_a_long_thread_is_read_page_by_page(alice: User, conversation: Conversation) -> None:
    for number in range(5):
        answered(conversation, f"Q{number}", f"A{number}")
    page = selectors.thread_get(user=alice, conversation_id=conversation.id, limit=4)
    assert texts(page) == ["Q3", "A3", "Q4", "A4"]
    above = page.shown[0].message.id
    assert page.earlier == above
    older = selectors.thread_get(user=alice, conversation_id=conversation.id, before=page.earlier, limit=20)
    assert texts(older) == ["Q0", "A0", "Q1", "A1", "Q2", "A2"]
    assert older.earlier is None


def test_versions_are_counted_and_linked(alice: User, conversation: Conversation) -> None:
    old = answered(conversation, "One", "Eins")
    services.turn_retry(request=request(conversation), message_id=old.answer_id)
    shown = selectors.thread_get(user=alice, conversation_id=conversation.id).shown[1]
    assert (shown.version, len(shown.versions)) == (2, 2)
    assert (shown.older, shown.newer) == (old.answer_id, None)
    first = selectors.shown_get(user=alice, conversation_id=conversation.id, message_id=old.answer_id)
    assert (first.version, first.older, first.newer) == (1, None, shown.message.id)


def test_first_questions_are_versions_of_each_other(alice: User, conversation: Conversation) -> None:
    old = answered(conversation, "One")
    services.turn_edit(request=request(conversation), message_id=old.question_id, text="Two")
    assert len(selectors.thread_get(user=alice, conversation_id=conversation.id).shown[0].versions) == 2


def test_choosing_a_version_shows_the_newest_path_below_it(alice: User, conversation: Conversation) -> None:
    old = answered(conversation, "One", "Eins")
    answered(conversation, "Two", "Zwei")
    services.turn_edit(request=request(conversation), message_id=old.question_id, text="Other")
    conversation_services.version_select(user=alice, conversation_id=conversation.id, message_id=old.question_id)
    thread = selectors.thread_get(user=alice, conversation_id=conversation.id)
    assert texts(thread) == ["One", "Eins", "Two", "Zwei"]


def test_an_answer_shows_its_last_turn(alice: User, conversation: Conversation) -> None:
    old = answered(conversation)
    new = services.turn_continue(request=request(conversation), turn_id=old.id).turn
    assert selectors.thread_get(user=alice, conversation_id=conversation.id).shown[1].turn == new


def test_a_history_ends_with_the_message_and_counts_positions(conversation: Conversation) -> None:
    answered(conversation, "One", "Eins")
    turn = begun(conversation, "Two").turn
    lines = selectors.history(message_id=turn.question_id, characters=1000)
    assert [(line.position, line.role, line.text) for line in lines] == [
        (0, "user", "One"),
        (1, "assistant", "Eins"),
        (2, "user", "Two"),
    ]


def test_a_history_is_cut_where_it_gets_too_long(conversation: Conversation) -> None:
    for number in range(10):
        answered(conversation, f"Q{number}" + "x" * 98, f"A{number}" + "x" * 98)
    turn = begun(conversation, "Last").turn
    assert 5 <= len(selectors.history(message_id=turn.question_id, characters=500)) <= 7
    assert len(selectors.history(message_id=turn.question_id, characters=10_000, messages=3)) == 3


def test_chats_are_listed_by_their_last_use(alice: User) -> None:
    first, second = (conversation_services.conversation_create(user=alice) for _ in range(2))
    begun(first)
    assert selectors.conversation_list(user=alice) == [first, second]
    later = selectors.conversation_list(user=alice, before=Conversation.objects.get(id=first.id).updated_at)
    assert later == [second]


def test_deleted_chats_and_those_of_others_are_not_listed(alice: User, bob: User, conversation: Conversation) -> None:
    gone = conversation_services.conversation_create(user=alice)
    conversation_services.conversation_delete(user=alice, conversation_id=gone.id)
    assert selectors.conversation_list(user=alice) == [conversation]
    assert selectors.conversation_list(user=bob) == []


def orphans(place: str, incarnation: str, *, seconds: float = 0) -> list[uuid.UUID]:
    found = selectors.orphans(now=timezone.now() + timedelta(seconds=seconds), place=place, incarnation=incarnation)
    return [orphan.turn_id for orphan in found]


def test_a_turn_is_an_orphan_when_its_lease_is_over(conversation: Conversation) -> None:
    turn = begun(conversation).turn
    assert orphans("elsewhere/1/", "x") == []
    assert orphans("elsewhere/1/", "x", seconds=services.LEASE.total_seconds() + 1) == [turn.id]


def test_a_turn_is_an_orphan_when_its_place_was_taken_over(conversation: Conversation) -> None:
    turn = begun(conversation).turn
    assert orphans("machine/1/", "first") == []
    assert orphans("machine/1/", "second") == [turn.id]
    assert orphans("machine/11/", "second") == []
    assert orphans("machin_/1/", "second") == []


def test_an_ended_turn_is_no_orphan(conversation: Conversation) -> None:
    answered(conversation)
    assert orphans("machine/1/", "second", seconds=3600) == []


def test_wishes_to_stop_are_for_the_owner_of_the_turn(alice: User, conversation: Conversation) -> None:
    turn = begun(conversation).turn
    services.turn_request_stop(user=alice, conversation_id=conversation.id, turn_id=turn.id)
    assert selectors.stop_requests(owner=HERE) == [turn.id]
    assert selectors.stop_requests(owner="somebody/else/1") == []


BOBS_TRIES: dict[str, Callable[[User, Turn], Any]] = {
    "conversation_get": lambda bob, turn: selectors.conversation_get(user=bob, conversation_id=turn.conversation_id),
    "message_get": lambda bob, turn: selectors.message_get(
        user=bob, conversation_id=turn.conversation_id, message_id=turn.answer_id
    ),
    "turn_get": lambda bob, turn: selectors.turn_get(user=bob, conversation_id=turn.conversation_id, turn_id=turn.id),
    "thread_get": lambda bob, turn: selectors.thread_get(user=bob, conversation_id=turn.conversation_id),
    "thread_get before": lambda bob, turn: selectors.thread_get(
        user=bob, conversation_id=turn.conversation_id, before=turn.answer_id
    ),
    "shown_get": lambda bob, turn: selectors.shown_get(
        user=bob, conversation_id=turn.conversation_id, message_id=turn.answer_id
    ),
}


@pytest.mark.parametrize("name", BOBS_TRIES)
def test_bob_finds_nothing_of_alices(conversation: Conversation, bob: User, name: str) -> None:
    turn = answered(conversation)
    with pytest.raises(NotFound):
        BOBS_TRIES[name](bob, turn)


@pytest.mark.parametrize("name", ["message_get", "turn_get", "thread_get before", "shown_get"])
def test_bob_gets_nothing_through_a_chat_of_his_own(conversation: Conversation, bob: User, name: str) -> None:
    turn = answered(conversation)
    turn.conversation = conversation_services.conversation_create(user=bob)
    with pytest.raises(NotFound):
        BOBS_TRIES[name](bob, turn)


@pytest.mark.parametrize("name", BOBS_TRIES)
def test_nobody_finds_anything_in_a_deleted_chat(conversation: Conversation, alice: User, name: str) -> None:
    turn = answered(conversation)
    conversation_services.conversation_delete(user=alice, conversation_id=conversation.id)
    with pytest.raises(NotFound):
        BOBS_TRIES[name](alice, turn)
