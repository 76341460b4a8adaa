"""Turns from the door's side: begun once, followed from anywhere, stopped, drained, and nobody else's."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from apps.accounts.models import User
from apps.chat import beginning, conversation_services, turns
from apps.chat.beginning import Beginning
from apps.chat.frames import Ask, Continue, Edit, Retry
from apps.chat.models import Conversation, Message, Turn
from apps.core import draining
from apps.core.database import in_database
from apps.core.errors import Busy, DatabaseAway, NotFound
from apps.llm.providers.scripted import Script, Scripted, numbered
from tests.chat.cast import end_of, heard, started, text_of, told
from tests.llm.asking import until

pytestmark = pytest.mark.django_db(transaction=True)
SLOW = Script(tokens=numbered(1000), delay=0.01)


def place(conversation: Conversation, user: User | None = None) -> dict[str, Any]:
    return {"user": user or conversation.owner, "conversation_id": conversation.id}


async def test_an_answer_is_told_and_saved(conversation: Conversation, model: Scripted) -> None:
    turn = await started(conversation)
    items = await told(conversation, turn.turn_id, html=True)
    answer = await in_database(Message.objects.get, id=turn.answer_id)
    row = await in_database(Turn.objects.get, id=turn.turn_id)
    assert answer.text == text_of(items) == "".join(numbered(10))
    assert row.state == Turn.State.DONE
    assert row.marks[-1] == len(answer.text)


async def test_the_same_ask_twenty_times_at_once_is_one_turn(conversation: Conversation, model: Scripted) -> None:
    ask = Ask(id=uuid.uuid4(), text="Hello")
    begun = await asyncio.gather(*(turns.start(**place(conversation), frame=ask) for _ in range(20)))
    assert len({turn.turn_id for turn in begun}) == 1
    await told(conversation, begun[0].turn_id)
    assert len(model.calls) == 1
    assert await in_database(Message.objects.count) == 2


async def test_the_same_ask_after_its_end_is_told_again_and_not_answered_again(
    conversation: Conversation, model: Scripted
) -> None:
    ask = Ask(id=uuid.uuid4(), text="Hello")
    first, second = [await turns.start(**place(conversation), frame=ask) for _ in range(2)]
    assert first == second
    assert await told(conversation, first.turn_id) == await told(conversation, first.turn_id)
    assert len(model.calls) == 1


async def test_retry_edit_and_continue_begin_turns_of_their_own(conversation: Conversation, model: Scripted) -> None:
    first = await started(conversation)
    await told(conversation, first.turn_id)
    for frame in (Retry(first.answer_id), Edit(first.question_id, "Ho"), Continue(first.turn_id)):
        turn = await turns.start(**place(conversation), frame=frame)
        assert text_of(await told(conversation, turn.turn_id))
    assert len(model.calls) == 4


async def test_options_of_the_ask_reach_the_model(conversation: Conversation, model: Scripted) -> None:
    ask = Ask(id=uuid.uuid4(), text="Hello", options={"temperature": 0, "max_tokens": 7})
    turn = await turns.start(**place(conversation), frame=ask)
    await told(conversation, turn.turn_id)
    assert (model.calls[0].options.temperature, model.calls[0].options.max_tokens) == (0, 7)


async def test_a_saved_beginning_whose_confirmation_was_lost_is_launched_at_the_second_try(
    conversation: Conversation, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = beginning.begin, []

    def lose_the_first_confirmation(*args: Any) -> Beginning:
        read = real(*args)
        tries.append(read)
        if len(tries) == 1:
            raise DatabaseAway("The database does not answer.")
        return read

    monkeypatch.setattr(beginning, "begin", lose_the_first_confirmation)
    turn = await started(conversation)
    async with asyncio.timeout(10):
        assert text_of(await told(conversation, turn.turn_id)) == "".join(numbered(10))
    assert len(model.calls) == 1


async def test_a_database_that_stays_away_is_told(
    conversation: Conversation, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise DatabaseAway("The database does not answer.")

    monkeypatch.setattr(beginning, "begin", away)
    monkeypatch.setattr(turns, "DATABASE_TRIES", (0.0, 0.0))
    with pytest.raises(DatabaseAway):
        await started(conversation)


async def test_a_turn_of_another_process_is_stopped_through_its_row(
    conversation: Conversation, model: Scripted
) -> None:
    model.scripts = [SLOW]
    turn = await started(conversation)
    live = turns.running_turns().live
    hidden = live.pop(turn.turn_id)  # as if it ran elsewhere
    await turns.stop(**place(conversation), turn_id=turn.turn_id)
    assert (await in_database(Turn.objects.get, id=turn.turn_id)).stop_requested
    live[turn.turn_id] = hidden
    await turns.running_turns()._renew([hidden])
    assert end_of(await told(conversation, turn.turn_id)).done["finish_reason"] == "stopped"


async def test_news_of_a_wish_to_stop_end_the_turn(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [SLOW]
    turn = await started(conversation)
    turns._hear({"kind": "stop", "turn": str(turn.turn_id)})
    assert end_of(await told(conversation, turn.turn_id)).done["finish_reason"] == "stopped"
    turns._hear({"kind": "stop", "turn": str(uuid.uuid4())})


async def test_a_turn_is_followed_from_elsewhere_as_from_here(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [Script(tokens=numbered(100), delay=0.005)]
    turn = await started(conversation)
    live = turns.running_turns().live
    here = await turns.attach(**place(conversation), turn_id=turn.turn_id, after=0, html=False)
    hidden = live.pop(turn.turn_id)
    elsewhere = await turns.attach(**place(conversation), turn_id=turn.turn_id, after=0, html=False)
    live[turn.turn_id] = hidden
    both = await asyncio.gather(heard(here), heard(elsewhere))
    assert text_of(both[0]) == text_of(both[1]) == "".join(numbered(100))
    assert end_of(both[0]) == end_of(both[1])


async def test_news_of_models_reach_every_open_page() -> None:
    first: list[dict[str, Any]] = []
    second: list[dict[str, Any]] = []
    ears = ((uuid.uuid4(), first.append), (uuid.uuid4(), second.append))
    for conversation_id, ear in ears:
        turns.on_news(conversation_id, ear)
    turns._hear({"kind": "pull", "name": "phi3"})
    for conversation_id, ear in ears:
        turns.off_news(conversation_id, ear)
    assert first == second == [{"kind": "pull", "name": "phi3"}]


async def test_news_reach_the_listeners_of_their_conversation_until_they_leave(conversation: Conversation) -> None:
    here, elsewhere = list[dict[str, Any]](), list[dict[str, Any]]()
    item = {"kind": "title", "conversation": str(conversation.id)}
    turns.on_news(conversation.id, here.append)
    turns.on_news(uuid.uuid4(), elsewhere.append)
    turns._hear(item)
    turns.off_news(conversation.id, here.append)
    turns._hear(item)
    assert (here, elsewhere) == ([item], [])


# --- the end of a process --------------------------------------------------------------------------------------------


async def test_a_process_that_ends_begins_no_turn(conversation: Conversation, model: Scripted) -> None:
    draining.begin()
    with pytest.raises(Busy) as caught:
        await started(conversation)
    assert (caught.value.code, caught.value.retry_after) == ("restarting", 1)
    assert await in_database(Turn.objects.count) == 0


async def test_draining_lets_a_running_answer_end_in_time(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [Script(tokens=numbered(20), delay=0.01)]
    turn = await started(conversation)
    await turns.drain(20)
    assert (await in_database(Turn.objects.get, id=turn.turn_id)).state == Turn.State.DONE


async def test_draining_saves_the_rest_as_interrupted(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [SLOW]
    turn = await started(conversation)
    await turns.drain(0.3)
    row = await in_database(Turn.objects.select_related("answer").get, id=turn.turn_id)
    assert (row.state, row.finish_reason) == (Turn.State.INTERRUPTED, "interrupted")
    assert row.answer.text
    assert model.running == 0


async def test_draining_waits_for_a_turn_that_is_just_being_saved(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [SLOW]
    starting = asyncio.ensure_future(started(conversation))
    await asyncio.sleep(0)
    await turns.drain(0.3)
    turn = await starting
    assert (await in_database(Turn.objects.get, id=turn.turn_id)).state == Turn.State.INTERRUPTED


async def test_draining_writes_the_end_for_the_readers_of_other_processes(
    conversation: Conversation, model: Scripted
) -> None:
    turn = await started(conversation)
    await turns.drain(20)
    assert turns.running_turns().live[turn.turn_id].end_written


async def test_closing_saves_what_runs(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [SLOW]
    turn = await started(conversation)
    await until(lambda: bool(turns.running_turns().live[turn.turn_id].log.texts))
    await turns.close()
    row = await in_database(Turn.objects.select_related("answer").get, id=turn.turn_id)
    assert row.state == Turn.State.INTERRUPTED
    assert row.answer.text


# --- Bob -------------------------------------------------------------------------------------------------------------


async def test_bob_neither_begins_nor_follows_nor_stops_anything(
    conversation: Conversation, bob: User, model: Scripted
) -> None:
    model.scripts = [SLOW]
    turn = await started(conversation)
    for frame in (Ask(uuid.uuid4(), "Hi"), Retry(turn.answer_id), Edit(turn.question_id, "Ho"), Continue(turn.turn_id)):
        with pytest.raises(NotFound):
            await turns.start(**place(conversation, bob), frame=frame)
    with pytest.raises(NotFound):
        await turns.attach(**place(conversation, bob), turn_id=turn.turn_id, after=0, html=False)
    with pytest.raises(NotFound):
        await turns.stop(**place(conversation, bob), turn_id=turn.turn_id)
    assert not turns.running_turns().live[turn.turn_id].stopping


async def test_bob_gets_nothing_through_a_chat_of_his_own(
    conversation: Conversation, bob: User, model: Scripted
) -> None:
    model.scripts = [SLOW]
    turn = await started(conversation)
    own = await in_database(conversation_services.conversation_create, user=bob)
    with pytest.raises(NotFound):
        await turns.attach(**place(own, bob), turn_id=turn.turn_id, after=0, html=False)
    with pytest.raises(NotFound):
        await turns.stop(**place(own, bob), turn_id=turn.turn_id)
    for frame in (Retry(turn.answer_id), Edit(turn.question_id, "Ho"), Continue(turn.turn_id)):
        with pytest.raises(NotFound):
            await turns.start(**place(own, bob), frame=frame)
    assert not turns.running_turns().live[turn.turn_id].stopping
