"""What a chat's own settings, a model's thoughts and its calls of tools do to a turn."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest

from apps.chat import replay, selectors, turns
from apps.chat.frames import Ask, Continue
from apps.chat.models import Conversation, Turn
from apps.chat.turnlog import Item, Thought, TurnLog
from apps.core.database import in_database
from apps.llm.events import Event, Finished, ReasoningDelta, TextDelta, ToolCall, Usage
from apps.llm.messages import Call
from apps.llm.providers.base import ModelInfo
from apps.llm.providers.scripted import Script, Scripted
from apps.llm.router import Router, use
from apps.llm.settings import LlmSettings
from tests.chat.cast import end_of, started, text_of, told
from tests.chat.wire import Wire

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Says(Scripted):
    """A provider that says these events."""

    events: tuple[Event, ...] = ()

    def __init__(self, *events: Event) -> None:
        super().__init__(Script())
        self.events = events

    async def stream(self, call: Call) -> AsyncGenerator[Event, None]:
        self.calls.append(call)
        for event in self.events:
            yield event


def answer_with(*events: Event) -> Says:
    """From now on the model says this."""
    provider = Says(*events, Usage(3, 4), Finished("stop"))
    use(Router(LlmSettings(ai_model="scripted", kinds=("scripted",)), {"scripted": [provider]}))
    return provider


def thoughts(items: list[Item]) -> str:
    found = ""
    for item in items:
        if isinstance(item, Thought):
            assert item.at == len(found)
            found += item.text
    return found


async def configure(conversation: Conversation, **columns: Any) -> None:
    def save() -> None:
        Conversation.objects.filter(pk=conversation.pk).update(**columns)

    await in_database(save)


async def row(turn_id: uuid.UUID) -> Turn:
    found = await in_database(selectors.turn_row, turn_id=turn_id)
    assert found is not None
    return found


async def test_a_chat_answers_with_its_own_options(conversation: Conversation, model: Scripted) -> None:
    await configure(conversation, options={"temperature": 0.1, "seed": 7})
    await told(conversation, (await started(conversation)).turn_id)
    assert (model.calls[0].options.temperature, model.calls[0].options.seed) == (0.1, 7)
    assert model.calls[0].options.top_p == 0.9


async def test_what_a_question_says_counts_more_than_what_the_chat_says(
    conversation: Conversation, model: Scripted
) -> None:
    await configure(conversation, options={"temperature": 0.1, "top_k": 3})
    frame = Ask(id=uuid.uuid4(), text="Hello", options={"temperature": 1.5})
    begun = await turns.start(user=conversation.owner, conversation_id=conversation.id, frame=frame)
    await told(conversation, begun.turn_id)
    assert (model.calls[0].options.temperature, model.calls[0].options.top_k) == (1.5, 3)


async def test_a_chats_system_prompt_stands_before_what_nitro_knows_of_its_owner(
    conversation: Conversation, model: Scripted
) -> None:
    await configure(conversation, system_prompt="Answer as a pirate.")
    await in_database(lambda: type(conversation.owner).objects.update(system_prompt="I live in Bergen."))
    await told(conversation, (await started(conversation)).turn_id)
    assert model.calls[0].messages[0].text == "Answer as a pirate.\n\nI live in Bergen."


async def test_thoughts_are_told_live_and_kept(conversation: Conversation, model: Scripted) -> None:
    answer_with(ReasoningDelta("First, "), ReasoningDelta("think."), TextDelta("Then say."))
    begun = await started(conversation)
    items = await told(conversation, begun.turn_id)
    assert thoughts(items) == "First, think."
    assert text_of(items) == "Then say."
    saved = await row(begun.turn_id)
    assert saved.answer.reasoning == "First, think."
    assert replay.items_of(saved, after=0)[0] == Thought(0, "First, think.")


async def test_a_second_reader_hears_the_thoughts_from_the_beginning() -> None:
    log = TurnLog(uuid.uuid4())
    log.think("a")
    log.think("b")
    log.append("word")
    log.finish({})
    assert thoughts([item async for item in log.follow(0, html=False)]) == "ab"
    assert thoughts([item async for item in log.follow(1, html=False)]) == "ab"


async def test_going_on_keeps_the_earlier_thoughts(conversation: Conversation, model: Scripted) -> None:
    answer_with(ReasoningDelta("First."), TextDelta("Half"))
    first = await started(conversation)
    await told(conversation, first.turn_id)
    answer_with(ReasoningDelta(" Second."), TextDelta(" and half"))
    frame = Continue(turn=first.turn_id)
    second = await turns.start(user=conversation.owner, conversation_id=conversation.id, frame=frame)
    assert thoughts(await told(conversation, second.turn_id)) == "First. Second."
    saved = await row(second.turn_id)
    assert (saved.answer.text, saved.answer.reasoning) == ("Half and half", "First. Second.")


async def test_thoughts_travel_as_frames_without_a_number(conversation: Conversation, model: Scripted) -> None:
    answer_with(ReasoningDelta("Hm."), TextDelta("Yes."))
    async with Wire(conversation.owner, conversation.id) as wire:
        await wire.ask()
        frames = await wire.to_the_end()
    (thought,) = [frame for frame in frames if frame["type"] == "reasoning"]
    assert (thought["at"], thought["text"]) == (0, "Hm.")
    assert "seq" not in thought


async def test_calls_of_tools_are_kept_and_told(conversation: Conversation, model: Scripted) -> None:
    answer_with(ToolCall("1", "weather", '{"city":"Bergen"}'), TextDelta("Let me look."))
    begun = await started(conversation)
    end = end_of(await told(conversation, begun.turn_id))
    wanted = [{"id": "1", "name": "weather", "arguments": '{"city":"Bergen"}'}]
    assert end.done["tool_calls"] == wanted
    saved = await row(begun.turn_id)
    assert saved.answer.tool_calls == wanted
    assert replay.done_fields(saved)["tool_calls"] == wanted


async def test_the_end_tells_how_full_the_window_is(conversation: Conversation, model: Scripted) -> None:
    first = end_of(await told(conversation, (await started(conversation)).turn_id)).done["context"]
    second = end_of(await told(conversation, (await started(conversation)).turn_id)).done["context"]
    assert first["window"] == second["window"] == ModelInfo("numbers", context_window=8192).context_window
    assert 0 < first["tokens"] < second["tokens"] < 200


async def test_an_answer_remembers_that_messages_were_left_out(conversation: Conversation, model: Scripted) -> None:
    model.context_window = 300
    small = Router(LlmSettings(ai_model="scripted", kinds=("scripted",)), {"scripted": [model]})
    use(small)
    await small.models()  # so that the size of its window is known
    for _ in range(6):
        begun = await started(conversation, "word " * 30)
        end = end_of(await told(conversation, begun.turn_id))
    saved = await row(begun.turn_id)
    assert saved.dropped_messages == end.done["dropped_messages"] > 0
    assert replay.done_fields(saved)["dropped_messages"] == saved.dropped_messages
