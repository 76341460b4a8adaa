"""The search in one's own chats: by words of titles and messages, and never in anybody else's."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.chat import conversation_services, search_selectors, services
from apps.chat.models import Conversation, Message
from apps.chat.search_selectors import Found, conversation_search
from apps.chat.services import Outcome
from tests.chat.cast import HERE, begun

pytestmark = pytest.mark.django_db


def search(user: User, query: str) -> list[Found]:
    return conversation_search(user=user, query=query)


def titles(found: Sequence[Found]) -> list[str]:
    return [item.conversation.title for item in found]


def chat(user: User, title: str, question: str = "Hello", answer: str = "Good day") -> Conversation:
    conversation = conversation_services.conversation_create(user=user, title=title)
    turn = begun(conversation, question).turn
    services.turn_finish(turn_id=turn.id, owner=HERE, outcome=Outcome("done", "stop", answer, "<p>", 1, marks=[1]))
    return conversation


def test_words_of_questions_and_answers_are_found(alice: User) -> None:
    chat(alice, "First", "Where do otters live?", "In rivers.")
    chat(alice, "Second", "And beavers?", "There too.")
    assert titles(search(alice, "otter")) == ["First"]
    assert titles(search(alice, "RIVER")) == ["First"]
    assert titles(search(alice, "there")) == ["Second"]
    assert titles(search(alice, "badger")) == []


def test_a_hit_names_its_message_and_shows_the_words(alice: User) -> None:
    conversation = chat(alice, "First", "Where do otters live?", "In rivers.")
    (found,) = search(alice, "rivers")
    answer = Message.objects.get(conversation=conversation, role="assistant")
    assert found.message_id == answer.id
    assert [piece.text for piece in found.snippet if piece.hit] == ["rivers"]


def test_fitting_titles_come_first_and_then_the_newest(alice: User) -> None:
    chat(alice, "All about otters")
    chat(alice, "Older", "otters")
    chat(alice, "Newer", "otters")
    assert titles(search(alice, "otters")) == ["All about otters", "Newer", "Older"]


def test_all_words_must_stand_in_one_message(alice: User) -> None:
    chat(alice, "Both", "otters and beavers")
    chat(alice, "One", "otters", "beavers")
    assert titles(search(alice, "beaver otter")) == ["Both"]


def test_a_phrase_stands_side_by_side_and_a_minus_leaves_out(alice: User) -> None:
    chat(alice, "Sea", "the sea otter")
    chat(alice, "River", "an otter by the sea")
    assert titles(search(alice, '"sea otter"')) == ["Sea"]
    assert titles(search(alice, "otter -by")) == ["Sea"]


def test_addresses_and_other_letters_are_found(alice: User) -> None:
    chat(alice, "First", "See https://example.org/otters/today or write to ann@example.org. Größe, 東京")
    for query in ("https://example.org/otters", "example.org/otters/today", "ann", "größe", "東京"):
        assert titles(search(alice, query)) == ["First"], query


def test_nobody_finds_others_chats(alice: User, bob: User) -> None:
    chat(alice, "Otters", "otters")
    assert search(bob, "otters") == []


def test_deleted_chats_are_not_found(alice: User) -> None:
    conversation = chat(alice, "Otters", "otters")
    conversation_services.conversation_delete(user=alice, conversation_id=conversation.id)
    assert search(alice, "otters") == []


def test_an_answer_is_found_once_it_is_finished(alice: User) -> None:
    conversation = conversation_services.conversation_create(user=alice, title="Running")
    turn = begun(conversation).turn
    services.turns_checkpoint(checkpoints=[services.Checkpoint(turn.id, "half an otter", [13])])
    assert search(alice, "otter") == []
    services.turn_finish(turn_id=turn.id, owner=HERE, outcome=Outcome("done", "stop", "a whole otter", "<p>", 1))
    assert titles(search(alice, "otter")) == ["Running"]


def test_a_checkpoint_touches_no_index(alice: User) -> None:
    """Words of a running answer would otherwise cost more the longer it is: all of it is indexed anew each time."""
    turn = begun(conversation_services.conversation_create(user=alice)).turn
    services.turns_checkpoint(checkpoints=[services.Checkpoint(turn.id, "half an otter", [13])])
    with connection.cursor() as cursor:
        cursor.execute("SELECT words IS NULL FROM chat_message WHERE id = %s", [turn.answer_id])
        assert cursor.fetchone() == (True,)


@pytest.mark.parametrize("most", [0, 1, 5])
def test_common_words_give_the_same_as_rare_ones(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    for number in range(4):
        chat(alice, f"Chat {number}", "otters")
        chat(bob, f"Bob's {number}", "otters and badgers")
    expected = titles(search(alice, "otters"))
    monkeypatch.setattr(search_selectors, "MOST_HITS", most)
    assert titles(conversation_search(user=alice, query="otters", limit=4)) == expected
    assert search(alice, "badgers") == []


def test_words_only_in_old_chats_are_found_however_common_elsewhere(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat(alice, "Old", "otters")
    chat(alice, "New", "beavers")
    for number in range(3):
        chat(bob, f"Bob's {number}", "otters")
    monkeypatch.setattr(search_selectors, "MOST_HITS", 2)
    monkeypatch.setattr(search_selectors, "NEWEST_CHATS", 1)
    assert titles(search(alice, "otters")) == ["Old"]


@pytest.mark.parametrize(
    "query", ["'", "\\", ":*", "a:*b", "!", "<->", "(", "'':*", "-", '"', "%", "a&b", "😀", "ﬁ", "a\x00b"]
)
def test_no_query_is_an_error(alice: User, query: str) -> None:
    chat(alice, "First", "otters a b ﬁ 😀")
    search(alice, query)
    search(alice, f"otters {query}")
    search(alice, f'"{query} otters"')


def test_hostile_texts_can_be_saved(alice: User) -> None:
    """PostgreSQL refuses a text whose words take more than a megabyte: what is searched is bounded before."""
    letters = [chr(0x20000 + number) for number in range(40_000)]
    random.Random(1).shuffle(letters)
    for joint in (" ", "-", "", "/", ".", "@"):
        text = (joint.join(letters) * 3)[:100_000]
        turn = begun(conversation_services.conversation_create(user=alice), text).turn
        ended = Outcome("done", "stop", text * 3, "<p>", 1, marks=[1])
        assert services.turn_finish(turn_id=turn.id, owner=HERE, outcome=ended)
