"""Answers that are remembered when their question is saved: over in that very step, and like every other answer."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.chat import asking, beginning, recalling, replies, selectors, turns
from apps.chat.asking import Question
from apps.chat.beginning import Beginning
from apps.chat.completions.ledger import ledger
from apps.chat.frames import Ask
from apps.chat.models import Message, Turn
from apps.core import memory
from apps.core.database import in_database
from apps.core.errors import DatabaseAway
from apps.llm.providers.scripted import Scripted, numbered
from apps.llm.router import router
from tests.chat.cast import answered, end_of, seqs_of, text_of, told
from tests.chat.flying import answer, asked, chat, row, until, until_heard

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "".join(numbered(10))


@pytest.fixture(autouse=True)
async def _with_a_cache(settings: Settings, model: Scripted) -> None:
    """The model's name is known, as it is a moment after the start."""
    settings.CACHE_TTL = 3600
    await router().models()


async def test_it_is_over_as_soon_as_it_is_saved(alice: User, model: Scripted) -> None:
    await answer(await chat(alice))
    conversation = await chat(alice)
    started = await asked(conversation)
    saved = await row(started.turn_id)
    assert (saved.state, saved.finish_reason, saved.cached, saved.answer.text) == ("done", "stop", True, WORDS)
    assert (saved.lease_until, saved.marks) == (None, [len(WORDS)])
    assert saved.finished_at is not None
    assert not turns.running_turns().running
    assert text_of(await told(conversation, started.turn_id)) == WORDS


async def test_it_is_no_other_answer_than_one_that_is_found_a_moment_later(
    alice: User, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    await answer(await chat(alice))
    _change_what_is_kept(b'"reasoning":""', b'"reasoning":"I think."')
    at_once, later = await asked(await chat(alice)), await _found_later(alice, monkeypatch)
    rows = [await row(turn_id) for turn_id in (at_once.turn_id, later)]
    ours, theirs = (
        [getattr(one, name) for name in SAME] + [getattr(one.answer, name) for name in SAID] for one in rows
    )
    assert ours == theirs
    assert (rows[0].answer.text, rows[0].answer.reasoning) == (WORDS, "I think.")


SAID = ("text", "reasoning", "html", "html_version", "tool_calls", "role", "position")
SAME = (
    *("state", "finish_reason", "kind", "choice", "provider", "model", "fallback_from", "fallback_reason", "cached"),
    *("error_code", "error_message", "error_hint", "prompt_tokens", "completion_tokens", "queued_ms", "marks"),
    *("tokens_per_second", "context_tokens", "context_window", "dropped_messages", "base_length", "stop_requested"),
)


async def _found_later(user: User, monkeypatch: pytest.MonkeyPatch) -> uuid.UUID:
    """A turn that hears of the same answer once it runs."""
    with monkeypatch.context() as blind:
        blind.setattr(recalling, "outcome", lambda *_, **__: None)
        conversation = await chat(user)
        turn = await asked(conversation)
        assert end_of(await told(conversation, turn.turn_id)).done["cached"]
    return turn.turn_id


def _change_what_is_kept(old: bytes, new: bytes) -> None:
    """Change the one entry that there is."""
    (key,) = memory.ask(lambda redis: redis.keys(f"{replies.REPLY}*"))
    value = memory.ask(lambda redis: redis.get(key))
    assert isinstance(value, bytes)
    assert old in value
    memory.ask(lambda redis: redis.set(key, value.replace(old, new)))


async def test_what_was_said_before_is_part_of_the_question(alice: User, model: Scripted) -> None:
    first, second = await chat(alice), await chat(alice)
    for conversation in (first, second):
        await answer(conversation, "What is a tree?")
    await answer(first, "And a leaf?")
    generations = len(model.calls)
    started = await asked(second, "And a leaf?")
    assert (await row(started.turn_id)).state == Turn.State.DONE
    assert len(model.calls) == generations
    await answer(second, "And a root?")
    assert len(model.calls) == generations + 1
    assert [line.text for line in model.calls[-1].messages][-2:] == [WORDS, "And a root?"]


async def test_a_chat_that_begins_with_it_is_whole(alice: User, model: Scripted) -> None:
    await answer(await chat(alice))
    asked_now = await asking.ask(user=alice, question=Question("What is a tree?"))
    saved = await row(asked_now.started.turn_id)
    assert (saved.state, saved.conversation_id) == (Turn.State.DONE, asked_now.conversation_id)
    assert (await asking.whole(asked_now))["text"] == WORDS


async def test_what_somebody_wants_every_model_to_know_is_part_of_the_question(alice: User, model: Scripted) -> None:
    await asking.whole(await asking.ask(user=alice, question=Question("What is a tree?")))
    alice.system_prompt = "I am a botanist."
    await in_database(alice.save)
    told_now = await asking.whole(await asking.ask(user=alice, question=Question("What is a tree?")))
    assert told_now["cached"] is False
    assert len(model.calls) == 2


async def test_an_entry_of_somebody_else_is_not_given(alice: User, bob: User, model: Scripted) -> None:
    await answer(await chat(alice))
    _change_what_is_kept(b'"user_id":%d,' % alice.pk, b'"user_id":%d,' % bob.pk)
    assert end_of(await answer(await chat(alice))).done["cached"] is False
    assert len(model.calls) == 2


async def test_the_same_request_twice_is_one_turn(alice: User, model: Scripted) -> None:
    await answer(await chat(alice))
    conversation, frame = await chat(alice), Ask(id=uuid.uuid4(), text="What is a tree?")
    both = [
        await turns.start(user=alice, conversation_id=conversation.id, frame=frame, address="10.0.0.1")
        for _ in range(2)
    ]
    assert both[0].turn_id == both[1].turn_id
    assert await in_database(Turn.objects.filter(conversation=conversation).count) == 1
    await ledger().settle()


async def test_a_confirmation_that_was_lost_costs_nobody_the_answer(
    alice: User, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    await answer(await chat(alice))
    real, tries = beginning.begin, []

    def lose_the_first_confirmation(*args: Any) -> Beginning:
        tries.append(real(*args))
        if len(tries) == 1:
            raise DatabaseAway("The database does not answer.")
        return tries[-1]

    monkeypatch.setattr(beginning, "begin", lose_the_first_confirmation)
    items = await answer(await chat(alice))
    assert (text_of(items), seqs_of(items), len(tries)) == (WORDS, [1, 2], 2)
    assert len(model.calls) == 1


async def test_others_who_have_the_chat_open_are_told(alice: User, model: Scripted) -> None:
    await answer(await chat(alice))
    conversation, heard = await chat(alice), list[dict[str, Any]]()
    await until_heard({"kind": "turn"})
    turns.on_news(conversation.id, heard.append)
    started = await asked(conversation)
    await until(lambda: heard)
    assert heard == [{"kind": "turn", "conversation": str(conversation.id), "turn": str(started.turn_id)}]
    turns.off_news(conversation.id, heard.append)


@pytest.mark.parametrize("characters", range(1, 60, 7))
async def test_a_question_that_is_not_saved_yet_has_the_history_that_it_will_have(alice: User, characters: int) -> None:
    conversation = await chat(alice)
    leaf = None
    for number in range(3):
        leaf = (await in_database(answered, conversation, f"Question {number}", "An answer")).answer_id
    question = Message(conversation=conversation, parent_id=leaf, position=6, role="user", text="And then?")
    before = await in_database(selectors.history_before, question=question, characters=characters)
    await in_database(question.save)
    assert before == await in_database(selectors.history, message_id=question.id, characters=characters)
