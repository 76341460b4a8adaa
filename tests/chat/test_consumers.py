"""The websocket door: what is said is answered, what is wrong is told, and the socket stays open."""

from __future__ import annotations

import asyncio
import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from pytest_django import Settings

from apps.accounts import limits, usage
from apps.accounts.models import GroupLimit, User
from apps.chat import consumers, services, turns
from apps.chat.completions.ledger import ledger
from apps.chat.frames import TEXT_LIMIT
from apps.chat.models import Conversation, Message, Turn
from apps.core import draining, news
from apps.core.database import in_database
from apps.core.errors import DatabaseAway
from apps.llm.errors import Unreachable
from apps.llm.providers.scripted import Script, Scripted, numbered
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


async def until_heard(item: dict[str, str]) -> None:
    """Publish until the process hears: it joins the news in its own time, and they are told at most once."""
    turns.running_turns()
    heard = asyncio.Event()
    turns.on_news(uuid.UUID(int=1), lambda _: heard.set())
    while not heard.is_set():
        await news.publish(item | {"conversation": str(uuid.UUID(int=1))})
        await asyncio.sleep(0.05)


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


@pytest.mark.parametrize("raw", ["", "hello", "{", "[]", "null", "NaN", '{"type":NaN}', "\ud800"])
async def test_what_is_no_json_object_ends_the_socket(wire: Wire, raw: str, caplog: pytest.LogCaptureFixture) -> None:
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


# --- who may come in -------------------------------------------------------------------------------------------------


async def test_strangers_are_told_and_sent_away(conversation: Conversation, model: Scripted) -> None:
    async with Wire(AnonymousUser(), conversation.id) as wire:
        assert (await wire.next())["code"] == "not_signed_in"
        assert await wire.next() == {"type": "closed", "code": 4401}


async def test_an_unknown_chat_is_told(alice: User, model: Scripted) -> None:
    async with Wire(alice, uuid.uuid4()) as wire:
        assert (await wire.next())["code"] == "not_found"
        assert await wire.next() == {"type": "closed", "code": 4404}


async def test_bob_finds_no_chat_and_hears_no_news(conversation: Conversation, bob: User, model: Scripted) -> None:
    async with Wire(bob, conversation.id) as wire:
        assert (await wire.next())["code"] == "not_found"
        assert await wire.next() == {"type": "closed", "code": 4404}
        turns._hear({"kind": "turn", "conversation": str(conversation.id), "turn": ID})
        assert await wire.is_quiet(0.05)
        assert wire.news == []


@pytest.mark.parametrize("who", ["bob", "stranger"])
async def test_what_was_sent_before_the_door_closed_is_not_looked_at(
    conversation: Conversation, bob: User, model: Scripted, who: str, caplog: pytest.LogCaptureFixture
) -> None:
    turn = await in_database(services.turn_ask, request=_request(conversation), text="Hello")
    async with Wire(bob if who == "bob" else AnonymousUser(), conversation.id) as wire:
        for kind in ("attach", "stop", "continue"):
            await wire.say(type=kind, turn=str(turn.turn.id))
        await wire.say(type="ask", id=ID, text="Let me in")
        assert [(await wire.next())["type"] for _ in range(2)] == ["error", "closed"]
        assert await wire.is_quiet(0.2)
    assert await in_database(Turn.objects.count) == 1
    assert [record for record in caplog.records if record.exc_info] == []


def _request(conversation: Conversation) -> services.Request:
    return services.Request(conversation.owner_id, conversation.id, uuid.uuid4(), "machine/1/first")


@pytest.mark.parametrize("kind", ["attach", "stop", "continue", "retry", "edit"])
async def test_bob_gets_nothing_through_a_chat_of_his_own(
    conversation: Conversation, bob: User, model: Scripted, kind: str
) -> None:
    begun = await in_database(services.turn_ask, request=_request(conversation), text="Hello")
    ids = {"turn": str(begun.turn.id), "message": str(begun.turn.answer_id), "text": "Hi"}
    if kind == "edit":
        ids["message"] = str(begun.turn.question_id)
    own = await in_database(services.conversation_create, user=bob)
    async with Wire(bob, own.id) as wire:
        await wire.say(type=kind, **ids)
        assert (await wire.next())["code"] == "not_found"


# --- while something is away -----------------------------------------------------------------------------------------


async def test_a_process_that_ends_says_when_to_come_back(wire: Wire) -> None:
    async with wire:
        draining.begin()
        await wire.say(type="ask", id=ID, text="Hello")
        told = await wire.next()
    assert (told["code"], told["retry_after"], told["id"]) == ("restarting", 1, ID)


async def test_a_database_that_stays_away_is_told_and_the_socket_stays(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise DatabaseAway("The database does not answer.")

    async with wire:
        with monkeypatch.context() as broken:
            broken.setattr(turns, "_begin", away)
            broken.setattr(turns, "DATABASE_TRIES", (0.0,))
            await wire.say(type="ask", id=ID, text="Hello")
            assert (await wire.next())["code"] == "database_away"
        await wire.ask(id=uuid.UUID(ID))
        assert words(await wire.to_the_end())


async def test_without_a_database_nobody_is_let_in_for_now(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: object) -> None:
        raise DatabaseAway("The database does not answer.")

    monkeypatch.setattr("apps.chat.selectors.conversation_get", away)
    async with wire:
        assert (await wire.next())["code"] == "database_away"
        assert await wire.next() == {"type": "closed", "code": 1013}


async def test_one_question_too_many_is_told_with_the_time_to_wait(wire: Wire, settings: Settings) -> None:
    settings.RATE_LIMIT_CHAT = "2/minute"
    async with wire:
        for _ in range(2):
            await wire.ask()
            await wire.to_the_end()
        await wire.say(type="ask", id=ID, text="Once more")
        error = await wire.next()
    assert (error["type"], error["code"], error["id"]) == ("error", "rate_limited", ID)
    assert 0 < error["retry_after"] <= 60
    assert wire.closed_with is None


async def test_what_was_too_much_is_not_saved(wire: Wire, conversation: Conversation, settings: Settings) -> None:
    settings.RATE_LIMIT_CHAT = "1/minute"
    async with wire:
        await wire.ask()
        await wire.to_the_end()
        await wire.say(type="ask", id=ID, text="Once more")
        await wire.next()
    assert await in_database(Message.objects.filter(role=Message.Role.USER).count) == 1


async def test_an_answer_from_the_cache_is_told_as_one(
    wire: Wire, conversation: Conversation, settings: Settings
) -> None:
    settings.CACHE_TTL = 3600
    other = await in_database(services.conversation_create, user=conversation.owner)
    again = Wire(conversation.owner, other.id)
    async with wire, again:
        await wire.ask("What is a tree?")
        first = await wire.to_the_end()
        await again.ask("What is a tree?")
        second = await again.to_the_end()
    assert words(first) == words(second)
    assert [frames[-1]["cached"] for frames in (first, second)] == [False, True]


async def test_a_quota_is_told_with_the_question_and_ends_at_its_number(wire: Wire, conversation: Conversation) -> None:
    await in_database(give_quota, conversation.owner, 2)
    async with wire:
        assert "notice" not in await wire.ask()
        await wire.to_the_end()
        await ledger().settle()
        await in_database(usage.day_add, user_id=conversation.owner.pk, day=limits.today(), messages=1)
        await wire.say(type="ask", id=ID, text="Once more")
        error = await wire.next()
    assert (error["code"], error["id"]) == ("quota_reached", ID)


def give_quota(user: User, messages: int) -> None:
    guests = Group.objects.create(name="guests")
    guests.user_set.add(user)
    GroupLimit.objects.create(group=guests, messages_per_day=messages)
    limits.forget()
