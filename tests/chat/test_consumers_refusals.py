"""The websocket where it has to say no: strangers, an absent database, limits; and what it tells of memory."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import AnonymousUser
from pytest_django import Settings

from apps.accounts import limits, usage
from apps.accounts.models import User
from apps.chat import beginning, conversation_services, services, turns
from apps.chat.completions.ledger import ledger
from apps.chat.models import Conversation, Message, Turn
from apps.core import draining
from apps.core.database import in_database
from apps.core.errors import DatabaseAway
from apps.llm.providers.scripted import Script, Scripted, numbered
from tests.cast import give_quota
from tests.chat.wire import Wire, words

pytestmark = pytest.mark.django_db(transaction=True)
SLOW = Script(tokens=numbered(1000), delay=0.01)
ID = str(uuid.UUID(int=7))


@pytest.fixture
def wire(conversation: Conversation, model: Scripted) -> Wire:
    return Wire(conversation.owner, conversation.id)


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
    own = await in_database(conversation_services.conversation_create, user=bob)
    async with Wire(bob, own.id) as wire:
        await wire.say(type=kind, **ids)
        assert (await wire.next())["code"] == "not_found"


# --- while something is away -----------------------------------------------------------------------------------------


async def test_a_process_that_ends_says_when_to_come_back(wire: Wire) -> None:
    async with wire:
        draining.begin()
        await wire.say(type="ask", id=ID, text="Hello")
        told = await wire.next()
        assert (await wire.next())["code"] == 1012  # nothing holds it here
    assert (told["code"], told["retry_after"], told["id"]) == ("restarting", 1, ID)


async def test_a_database_that_stays_away_is_told_and_the_socket_stays(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise DatabaseAway("The database does not answer.")

    async with wire:
        with monkeypatch.context() as broken:
            broken.setattr(beginning, "begin", away)
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
    other = await in_database(conversation_services.conversation_create, user=conversation.owner)
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
