"""One turn from its saved beginning to its saved end, whatever the model does in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from apps.chat import conductor, conversation_services, replay, services, turns
from apps.chat.frames import Continue
from apps.chat.models import Conversation, Message, Turn
from apps.chat.running import RunningTurns
from apps.chat.selectors import Line
from apps.core.database import in_database
from apps.core.errors import DatabaseAway
from apps.llm.errors import Overloaded, TimedOut
from apps.llm.events import Event, Finished, ReasoningDelta, TextDelta, ToolCall
from apps.llm.messages import Call, Options
from apps.llm.providers.scripted import Script, Scripted, numbered
from apps.llm.router import Target
from tests.chat.cast import end_of, seqs_of, started, states_of, text_of, told

pytestmark = pytest.mark.django_db(transaction=True)


class Saying(Scripted):
    """A model that says exactly these events, then raises what it is given."""

    def __init__(self, *events: Event, failure: Exception | None = None) -> None:
        super().__init__()
        self.events, self.failure = events, failure

    async def stream(self, call: Call) -> AsyncGenerator[Event, None]:
        for event in self.events:
            yield event
        if self.failure is not None:
            raise self.failure


def play(model: Scripted, other: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another model speak in the place of the usual one."""
    monkeypatch.setattr(model, "stream", other.stream)


async def row(turn_id: Any) -> Turn:
    return await in_database(Turn.objects.select_related("answer").get, id=turn_id)


async def test_the_end_that_is_told_is_the_end_that_is_saved(conversation: Conversation, model: Scripted) -> None:
    turn = await started(conversation)
    items = await told(conversation, turn.turn_id)
    saved = await row(turn.turn_id)
    assert saved.answer.text == text_of(items) == "".join(numbered(10))
    assert end_of(items).done == replay.done_fields(saved)
    assert end_of(items).seq == len(saved.marks) + 1
    assert (saved.state, saved.finish_reason, saved.completion_tokens) == (Turn.State.DONE, "stop", 10)
    assert (saved.provider, saved.model) == ("scripted", "numbers")


async def test_states_come_before_words(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [Script(tokens=("a", "b"), first_delay=0.05)]
    items = await told(conversation, (await started(conversation)).turn_id)
    assert states_of(items) == ["reading"]
    assert seqs_of(items[1:]) == [1, 2, 3]


async def test_a_flood_of_tokens_is_gathered_into_few_deltas(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [Script(tokens=numbered(3000))]
    items = await told(conversation, (await started(conversation)).turn_id)
    assert text_of(items) == "".join(numbered(3000))
    assert len(items) < 300


async def test_the_limit_of_the_model_is_told(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [Script(tokens=("a",), reason="length")]
    items = await told(conversation, (await started(conversation)).turn_id)
    assert end_of(items).done["finish_reason"] == "length"


async def test_an_endless_answer_is_cut(
    conversation: Conversation, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "ANSWER_LIMIT", 100)
    model.scripts = [Script(tokens=numbered(100_000), delay=0.001)]
    turn = await started(conversation)
    assert end_of(await told(conversation, turn.turn_id)).done["finish_reason"] == "length"
    assert model.running == 0


async def test_a_failure_before_the_first_word_is_told_and_saved(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [Script(failure=Overloaded("Too many.", retry_after=3))]
    turn = await started(conversation)
    end = end_of(await told(conversation, turn.turn_id))
    saved = await row(turn.turn_id)
    assert end.error == replay.error_fields(saved) | {"retry_after": 3}  # type: ignore[operator]
    assert (saved.state, saved.error_code, saved.answer.text) == (Turn.State.FAILED, "provider_overloaded", "")


async def test_a_failure_in_mid_answer_keeps_the_words(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [Script(tokens=numbered(10), failure=TimedOut("Silence."), fails_after=4)]
    turn = await started(conversation)
    items = await told(conversation, turn.turn_id)
    assert text_of(items) == (await row(turn.turn_id)).answer.text == "".join(numbered(4))
    assert end_of(items).done["finish_reason"] == "failed"


async def test_a_model_that_is_not_there_fails_the_turn(conversation: Conversation, model: Scripted) -> None:
    await in_database(
        conversation_services.conversation_set_model,
        user=conversation.owner,
        conversation_id=conversation.id,
        model="nobody",
    )
    end = end_of(await told(conversation, (await started(conversation)).turn_id))
    assert end.error is not None
    assert end.error["code"] == "model_missing"


async def test_a_defect_of_ours_ends_the_turn_and_is_logged(
    conversation: Conversation, model: Scripted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    play(model, Saying(TextDelta("So "), failure=ZeroDivisionError()), monkeypatch)
    items = await told(conversation, (await started(conversation)).turn_id)
    end = end_of(items)
    assert text_of(items) == "So "
    assert end.error is not None
    assert end.error["code"] == "internal"
    assert "ZeroDivisionError" in caplog.text


async def test_a_question_that_is_too_long_for_the_model_is_told(conversation: Conversation, model: Scripted) -> None:
    turn = await started(conversation, "x" * 90_000)
    end = end_of(await told(conversation, turn.turn_id))
    assert end.error is not None
    assert end.error["code"] == "context_exceeded"
    assert model.calls == []


async def test_thinking_is_saved_and_never_part_of_the_answer(
    conversation: Conversation, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(
        model, Saying(ReasoningDelta("Hm."), TextDelta("Yes."), ToolCall("1", "f", "{}"), Finished("stop")), monkeypatch
    )
    turn = await started(conversation)
    assert text_of(await told(conversation, turn.turn_id)) == "Yes."
    assert (await row(turn.turn_id)).answer.reasoning == "Hm."


async def test_where_nobody_counts_tokens_they_are_estimated(
    conversation: Conversation, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(model, Saying(TextDelta("x" * 41), Finished("stop")), monkeypatch)
    end = end_of(await told(conversation, (await started(conversation, "y" * 80)).turn_id))
    assert end.done["usage"] == {"prompt_tokens": 20, "completion_tokens": 11}


async def test_stop_keeps_the_words_already_said(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [Script(tokens=numbered(1000), delay=0.01)]
    turn = await started(conversation)
    while model.running == 0 or not turns.running_turns().live[turn.turn_id].log.texts:
        await asyncio.sleep(0.01)
    await turns.stop(user=conversation.owner, conversation_id=conversation.id, turn_id=turn.turn_id)
    items = await told(conversation, turn.turn_id)
    saved = await row(turn.turn_id)
    assert text_of(items) == saved.answer.text != ""
    assert saved.state == Turn.State.STOPPED
    assert "".join(numbered(1000)).startswith(saved.answer.text)
    assert model.running == 0


async def test_a_turn_can_be_stopped_before_its_model_was_asked(conversation: Conversation, model: Scripted) -> None:
    turn = await started(conversation)
    turns.running_turns().live[turn.turn_id].stop()
    items = await told(conversation, turn.turn_id)
    assert end_of(items).done["finish_reason"] == "stopped"
    assert model.calls == []


async def test_a_database_that_is_away_at_the_end_is_waited_for(
    conversation: Conversation, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = services.turn_finish, []

    def away_twice(**fields: Any) -> bool:
        tries.append(fields)
        if len(tries) < 3:
            raise DatabaseAway("The database does not answer.")
        return real(**fields)

    monkeypatch.setattr(services, "turn_finish", away_twice)
    turn = await started(conversation)
    items = await told(conversation, turn.turn_id)
    assert (await row(turn.turn_id)).answer.text == text_of(items)


async def test_an_end_that_cannot_be_saved_is_told_all_the_same(
    conversation: Conversation, model: Scripted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(services, "turn_finish", None)
    assert end_of(await told(conversation, (await started(conversation)).turn_id))
    assert "could not be saved" in caplog.text


async def test_a_continuation_goes_on_from_the_words_that_are_there(
    conversation: Conversation, model: Scripted
) -> None:
    model.scripts = [Script(tokens=("One ", "two "), reason="length"), Script(tokens=("three",))]
    first = await started(conversation, "Count")
    await told(conversation, first.turn_id)
    frame = Continue(turn=first.turn_id)
    again = await turns.start(user=conversation.owner, conversation_id=conversation.id, frame=frame)
    assert text_of(await told(conversation, again.turn_id)) == "three"
    assert (await row(again.turn_id)).answer.text == "One two three"
    assert model.calls[1].prefill == "One two "
    assert [message.text for message in model.calls[1].messages] == ["Count"]


async def test_the_model_gets_the_history_of_the_shown_path(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [Script(tokens=("Eins",)), Script(tokens=("Zwei",))]
    for question in ("One", "Two"):
        await told(conversation, (await started(conversation, question)).turn_id)
    assert [message.text for message in model.calls[1].messages] == ["One", "Eins", "Two"]


async def test_what_was_left_out_of_a_long_history_is_told(
    conversation: Conversation, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    history: Sequence[Line] = [Line(n, ("user", "assistant")[n % 2], "x" * 2000) for n in range(40)]
    monkeypatch.setattr("apps.chat.selectors.history", lambda **_: history)
    await told(conversation, (await started(conversation)).turn_id)
    end = end_of(await told(conversation, (await started(conversation)).turn_id))
    assert end.done["dropped_messages"] == 41 - len(model.calls[1].messages)


async def test_html_that_a_reader_had_rendered_is_saved(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [Script(tokens=("A **bold", "** word"))]
    turn = await started(conversation)
    await told(conversation, turn.turn_id, html=True)
    message = await in_database(Message.objects.get, id=turn.answer_id)
    assert "<strong>bold</strong>" in message.html


async def test_more_turns_mean_calmer_deltas(conversation: Conversation, model: Scripted) -> None:
    turn = await started(conversation)
    running = turns.running_turns()
    job = conductor.Job([], Target("", "", 0), Options(), "", "", 0.0)
    conducting = conductor.Conductor(running, running.live[turn.turn_id], job)
    paces = []
    for crowd in (1, 50, 500):
        conducting.running = RunningTurns(busy=crowd)
        paces.append(conducting._pace())
    assert paces[0] < paces[1] < paces[2] == conductor.SLOWEST_SECONDS
    await told(conversation, turn.turn_id)
