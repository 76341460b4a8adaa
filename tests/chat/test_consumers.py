"""The websocket door: what is said is answered, what is wrong is told, and the socket stays open."""

from __future__ import annotations

import asyncio
import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from apps.chat import consumers, turns
from apps.chat.frames import TEXT_LIMIT
from apps.chat.models import Conversation, Message
from apps.core.database import in_database
from apps.llm.errors import Unreachable
from apps.llm.providers.scripted import Script, Scripted, numbered
from tests.chat.flying import until_heard
from tests.chat.wire import PATIENCE, Wire, seqs, words

pytestmark = pytest.mark.django_db(transaction=True)
SLOW = Script(tokens=numbered(1000), delay=0.01)
ID = str(uuid.UUID(int=7))


@pytest.fixture
def wire(conversation: Conversation, model: Scripted) -> Wire:
    return Wire(conversation.owner, conversation.id)


async def test_a_question_is_accepted_and_answered(wire: Wire) -> None:
    asked = uuid.uuid4()
    async with wire:
        accepted = await wire.ask("What is a tree?", id=asked)
        frames = await wire.to_the_end()
    assert accepted.keys() == {"type", "id", "turn", "question", "answer", "title"}
    assert (accepted["id"], accepted["title"]) == (str(asked), "What is a tree?")
    assert words(frames) == "".join(numbered(10))
    assert seqs(frames) == list(range(1, len(seqs(frames)) + 1))
    assert {frame["turn"] for frame in frames} == {accepted["turn"]}


async def test_done_tells_how_it_went(wire: Wire) -> None:
    async with wire:
        await wire.ask()
        done = (await wire.to_the_end())[-1]
    assert done["finish_reason"] == "stop"
    assert done["usage"] == {"prompt_tokens": 1, "completion_tokens": 10}
    assert done["timing"].keys() == {"queued_ms", "first_token_ms", "total_ms", "tokens_per_second"}
    assert (done["cached"], done["provider"], done["model"]) == (False, "scripted", "numbers")


async def test_html_comes_to_those_who_want_it(conversation: Conversation, model: Scripted) -> None:
    async with Wire(conversation.owner, conversation.id, "?html=1") as wire:
        await wire.ask()
        frames = await wire.to_the_end()
    deltas = [frame for frame in frames if frame["type"] == "delta"]
    assert all(frame["html"].keys() == {"count", "blocks"} for frame in deltas if "html" in frame)
    assert "html" in deltas[0]


async def test_the_same_ask_again_is_accepted_again_and_answered_once(wire: Wire, model: Scripted) -> None:
    asked = uuid.uuid4()
    async with wire:
        first = await wire.ask(id=asked)
        frames = await wire.to_the_end()
        assert await wire.ask(id=asked) == first
        again = [frame for frame in await wire.to_the_end() if frame["type"] != "status"]
    assert again == [frame for frame in frames if frame["type"] != "status"]
    assert len(model.calls) == 1


async def test_the_same_ask_while_it_is_answered_brings_no_second_copy(wire: Wire, model: Scripted) -> None:
    model.scripts = [Script(tokens=numbered(20), delay=0.02)]
    asked = uuid.uuid4()
    async with wire:
        for _ in range(5):
            await wire.say(type="ask", id=str(asked), text="Hello")
        frames = await wire.to_the_end()
        assert await wire.is_quiet()
    assert [frame["type"] for frame in frames].count("accepted") == 5
    assert words(frames) == "".join(numbered(20))
    assert len(model.calls) == 1


async def test_stop_ends_the_answer_and_keeps_the_words(wire: Wire, model: Scripted) -> None:
    model.scripts = [SLOW]
    async with wire:
        accepted = await wire.ask()
        frames = [await wire.next()]
        while frames[-1]["type"] != "delta":
            frames.append(await wire.next())
        await wire.say(type="stop", turn=accepted["turn"])
        frames += await wire.to_the_end()
    assert frames[-1]["finish_reason"] == "stopped"
    assert (await in_database(Message.objects.get, id=accepted["answer"])).text == words(frames)
    assert model.running == 0


async def test_retry_edit_and_continue_are_answered(wire: Wire, model: Scripted) -> None:
    async with wire:
        first = await wire.ask()
        await wire.to_the_end()
        for frame in (
            {"type": "retry", "message": first["answer"]},
            {"type": "edit", "message": first["question"], "text": "Ho"},
            {"type": "continue", "turn": first["turn"]},
        ):
            await wire.say(**frame)
            assert (await wire.next())["type"] == "accepted"
            assert words(await wire.to_the_end()) == "".join(numbered(10))
    assert len(model.calls) == 4


async def test_whoever_comes_back_goes_on_where_they_were(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [Script(tokens=numbered(40), delay=0.02)]
    async with Wire(conversation.owner, conversation.id) as first:
        accepted = await first.ask()
        before = [await first.next() for _ in range(4)]
    async with Wire(conversation.owner, conversation.id) as second:
        await second.say(type="attach", turn=accepted["turn"], after=seqs(before)[-1])
        after = await second.to_the_end()
    assert words(before) + words(after) == "".join(numbered(40))


async def test_an_attach_again_takes_the_place_of_the_one_before(wire: Wire, model: Scripted) -> None:
    model.scripts = [Script(tokens=numbered(30), delay=0.02)]
    async with wire:
        accepted = await wire.ask()
        await wire.next()
        await wire.say(type="attach", turn=accepted["turn"], after=1)
        frames = await wire.to_the_end()
        assert await wire.is_quiet()
    assert frames[-1]["type"] == "done"


async def test_whoever_leaves_does_not_end_the_answer(conversation: Conversation, model: Scripted) -> None:
    model.scripts = [Script(tokens=numbered(20), delay=0.01)]
    async with Wire(conversation.owner, conversation.id) as wire:
        accepted = await wire.ask()
    await turns.drain(20)
    answer = await in_database(Message.objects.get, id=accepted["answer"])
    assert answer.text == "".join(numbered(20))


async def test_whoever_leaves_while_asking_has_asked(conversation: Conversation, model: Scripted) -> None:
    async with Wire(conversation.owner, conversation.id) as wire:
        await wire.say(type="ask", id=ID, text="Hello")
        await asyncio.sleep(0)
    async with Wire(conversation.owner, conversation.id) as wire:
        await wire.ask(id=uuid.UUID(ID))
        assert words(await wire.to_the_end()) == "".join(numbered(10))
    assert len(model.calls) == 1


async def test_other_sockets_of_the_chat_hear_that_a_turn_has_begun(
    conversation: Conversation, model: Scripted
) -> None:
    async with Wire(conversation.owner, conversation.id) as one, Wire(conversation.owner, conversation.id) as other:
        await until_heard({"kind": "turn"})
        accepted = await one.ask()
        message = await other._line.receive_output(PATIENCE)
    assert json.loads(message["text"]) == {
        "type": "news", "kind": "turn", "conversation": str(conversation.id), "turn": accepted["turn"]
    }  # fmt: skip


async def test_a_failing_model_is_told_before_the_end(wire: Wire, model: Scripted) -> None:
    model.scripts = [Script(failure=Unreachable("Nobody there.")), Script(tokens=("Yes",))]
    async with wire:
        accepted = await wire.ask()
        error, done = (await wire.to_the_end())[-2:]
        await wire.ask("Again")
        assert words(await wire.to_the_end()) == "Yes"
    assert (error["type"], error["code"], error["turn"]) == ("error", "provider_unreachable", accepted["turn"])
    assert (done["type"], done["finish_reason"]) == ("done", "failed")


# --- what is wrong ---------------------------------------------------------------------------------------------------


MISTAKES: list[dict[str, Any]] = [
    {},
    {"type": None},
    {"type": "sing"},
    {"type": ["ask"]},
    {"type": "ask"},
    {"type": "ask", "id": ID},
    {"type": "ask", "id": ID, "text": ""},
    {"type": "ask", "id": ID, "text": " \n\t"},
    {"type": "ask", "id": ID, "text": "x" * (TEXT_LIMIT + 1)},
    {"type": "ask", "id": ID, "text": "a\x00b"},
    {"type": "ask", "id": ID, "text": "a\ud800b"},
    {"type": "ask", "id": ID, "text": None},
    {"type": "ask", "id": ID, "text": {"a": 1}},
    {"type": "ask", "id": 7, "text": "Hi"},
    {"type": "ask", "id": "7", "text": "Hi"},
    {"type": "ask", "id": ID, "text": "Hi", "options": {"temperature": 99}},
    {"type": "ask", "id": ID, "text": "Hi", "options": {"temperature": True}},
    {"type": "ask", "id": ID, "text": "Hi", "options": {"grammar": "x"}},
    {"type": "ask", "id": ID, "text": "Hi", "options": {"top_k": 10**400}},
    {"type": "ask", "id": ID, "text": "Hi", "model": "a\x00"},
    {"type": "ask", "id": ID, "text": "Hi", "attachments": ["x"]},
    {"type": "stop"},
    {"type": "stop", "turn": "../.."},
    {"type": "stop", "turn": ID},
    {"type": "retry", "message": ID},
    {"type": "edit", "message": ID, "text": "Hi"},
    {"type": "edit", "message": ID},
    {"type": "continue", "turn": ID},
    {"type": "attach", "turn": ID},
    {"type": "attach", "turn": ID, "after": -1},
    {"type": "attach", "turn": ID, "after": 2**31},
    {"type": "attach", "turn": ID, "after": 10**400},
]


async def test_every_mistake_is_told_and_the_socket_stays_open(
    wire: Wire, model: Scripted, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "FRAMES_PER_SECOND", 1000)
    async with wire:
        for frame in MISTAKES:
            await wire.say(**frame)
            told = await wire.next()
            assert told["type"] == "error", frame
            assert {"code", "message", "hint"} <= told.keys()
        for raw in ('{"type":' + "[" * 5000 + "]" * 5000 + "}", '{"type":"stop","turn":%s}' % ("9" * 5000)):
            await wire.say_raw(raw)
            assert (await wire.next())["type"] == "error"
        await wire.say_raw(data=b"\x00\xff")
        assert (await wire.next())["code"] == "bad_frame"
        await wire.ask("All is well")
        assert words(await wire.to_the_end())
    assert len(model.calls) == 1
    assert [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"] == []


@pytest.mark.parametrize("raw", ["[]", "null", "5", '"ask"'])
async def test_json_that_is_no_frame_leaves_the_socket_open(model: Scripted, wire: Wire, raw: str) -> None:
    async with wire:
        await wire.say_raw(raw)
        assert (await wire.next())["code"] == "bad_frame"
        await wire.ask("All is well")
        assert words(await wire.to_the_end())


@pytest.mark.parametrize("raw", ["", "hello", "{", "NaN", '{"type":NaN}', "\ud800"])
async def test_what_is_not_json_ends_the_socket(wire: Wire, raw: str, caplog: pytest.LogCaptureFixture) -> None:
    async with wire:
        await wire.say_raw(raw)
        assert (await wire.next())["code"] == "not_json"
        assert await wire.next() == {"type": "closed", "code": 1007}
    assert [record for record in caplog.records if record.exc_info] == []


async def test_an_error_names_the_request_it_answers(wire: Wire) -> None:
    async with wire:
        await wire.say(type="retry", id=ID, message=ID)
        assert (await wire.next())["id"] == ID
        await wire.say(type="stop", turn=ID)
        assert (await wire.next())["turn"] == ID


async def test_a_mistake_in_a_request_names_the_request(wire: Wire) -> None:
    async with wire:
        await wire.say(type="ask", id=ID, text="x" * (TEXT_LIMIT + 1))
        error = await wire.next()
    assert (error["code"], error["id"]) == ("text_too_long", ID)


async def test_a_flood_is_told_once_and_dropped(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    async with wire:
        for _ in range(consumers.FRAMES_PER_SECOND + 500):
            await wire.say(type="sing")
        codes = [(await wire.next())["code"] for _ in range(consumers.FRAMES_PER_SECOND + 1)]
        assert await wire.is_quiet()
        monkeypatch.setattr(consumers, "time", SimpleNamespace(monotonic=lambda: 1001.0))
        await wire.say(type="sing")
        assert (await wire.next())["code"] == "bad_frame"
    assert codes.count("flood") == 1
