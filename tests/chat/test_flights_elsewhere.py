"""Single flight over processes: equal questions follow the turn that another process answers."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts import limits, usage
from apps.accounts.models import User
from apps.chat import logstore, replies
from apps.chat.completions.ledger import ledger
from apps.chat.logstore import Unwritten
from apps.chat.models import Turn
from apps.chat.turnlog import End
from apps.core import memory
from apps.core.database import in_database
from apps.llm.providers.scripted import Script, Scripted, numbered
from apps.llm.router import router
from tests.cast import key_of
from tests.chat.cast import begun, end_of, states_of, text_of, told
from tests.chat.flying import SLOW, WHOLE, answer, asked, chat, speaking
from tests.chat.programs import COMPLETIONS, begin

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def _with_a_cache(settings: Settings, model: Scripted) -> None:
    """The model's name is known, as it is a moment after the start."""
    settings.CACHE_TTL = 3600
    await router().models()


class Other:
    """A turn of another process that answers the same question, known in Redis as the one that generates."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.said = 0

    async def says(self, *texts: str, end: End | None = None) -> None:
        redis = logstore.connect()
        await logstore.write(redis, [Unwritten(self.turn.id, self.said + 1, texts, end=end)])
        self.said += len(texts)
        await redis.aclose()

    async def ends(self, reason: str, **error: object) -> None:
        usage_and_names = {"usage": {"prompt_tokens": 1, "completion_tokens": 2}, "cached": False}
        done = {"finish_reason": reason, "provider": "scripted", "model": "numbers", **usage_and_names}
        await self.says(end=End(self.said + 1, done, error or None))


@pytest.fixture
async def other(alice: User, model: Scripted, monkeypatch: pytest.MonkeyPatch) -> Other:
    """Alice's question is being answered elsewhere: whoever looks is sent there."""
    turn = (await in_database(begun, await chat(alice), "What is a tree?")).turn
    await in_database(Turn.objects.filter(id=turn.id).update, owner="elsewhere/1/first")
    found = Other(turn)
    look = replies.look

    def look_as_second(question: replies.Question, **fields: Any) -> Any:
        with_first = {**fields, "turn_id": turn.id, "over": None}
        if fields.get("over") is None:
            look(question, **with_first)
        return look(question, **fields)

    monkeypatch.setattr(replies, "look", look_as_second)
    return found


async def test_the_words_of_another_process_are_heard(alice: User, model: Scripted, other: Other) -> None:
    conversation = await chat(alice)
    turn = await asked(conversation)
    await other.says("One ", "two ")
    await speaking(turn)
    await other.says("three")
    await other.ends("stop")
    items = await told(conversation, turn.turn_id)
    assert text_of(items) == "One two three"
    assert end_of(items).done["provider"] == "scripted"
    assert model.calls == []
    await ledger().settle()
    day = await in_database(usage.day_get, user_id=alice.pk, day=limits.today())
    assert (day.messages, day.completion_tokens) == (1, 0)


async def test_if_it_is_stopped_elsewhere_we_go_on_from_its_words(alice: User, model: Scripted, other: Other) -> None:
    model.scripts = [Script(tokens=("and the rest.",))]
    conversation = await chat(alice)
    turn = await asked(conversation)
    await other.says("One ", "two ")
    await speaking(turn)
    await other.ends("stopped")
    assert text_of(await told(conversation, turn.turn_id)) == "One two and the rest."
    assert [call.prefill for call in model.calls] == ["One two "]


async def test_an_answer_of_two_pieces_is_not_kept(alice: User, model: Scripted, other: Other) -> None:
    conversation = await chat(alice)
    turn = await asked(conversation)
    await other.says("One ")
    await speaking(turn)
    await other.ends("interrupted")
    await told(conversation, turn.turn_id)
    assert memory.ask(lambda redis: list(redis.scan_iter("nitro:reply:*"))) == []


async def test_a_failure_elsewhere_is_a_failure_here(alice: User, model: Scripted, other: Other) -> None:
    conversation = await chat(alice)
    turn = await asked(conversation)
    await other.ends("failed", code="provider_overloaded", message="Too many.", hint="Wait.")
    end = end_of(await told(conversation, turn.turn_id))
    assert end.error == {"code": "provider_overloaded", "message": "Too many.", "hint": "Wait."}


async def test_several_who_followed_ask_the_model_once(alice: User, model: Scripted, other: Other) -> None:
    model.scripts = [SLOW]
    chats = [await chat(alice) for _ in range(5)]
    started = [await asked(conversation) for conversation in chats]
    await other.ends("stopped")
    for conversation, turn in zip(chats, started, strict=True):
        assert text_of(await told(conversation, turn.turn_id)) == WHOLE
    assert len(model.calls) == 1


async def test_a_turn_of_somebody_else_is_never_followed(alice: User, bob: User, model: Scripted, other: Other) -> None:
    """As if Redis named a turn of another user, by a defect or by an intruder."""
    theirs = await chat(bob)
    await in_database(Turn.objects.filter(id=other.turn.id).update, conversation=theirs)
    await other.says("Bob's secret")
    assert text_of(await answer(await chat(alice))) == "".join(numbered(10))


async def test_a_turn_that_is_gone_is_not_waited_for(alice: User, model: Scripted, other: Other) -> None:
    await in_database(lambda: Turn.objects.filter(id=other.turn.id).delete())
    assert text_of(await answer(await chat(alice))) == "".join(numbered(10))


async def test_states_of_another_process_are_told(alice: User, model: Scripted, other: Other) -> None:
    await in_database(Turn.objects.filter(id=other.turn.id).update, marks=[4])
    conversation = await chat(alice)
    turn = await asked(conversation)
    await other.says("Word")
    await other.ends("length")
    items = await told(conversation, turn.turn_id)
    assert states_of(items) in ([], ["reading"])
    assert end_of(items).done["finish_reason"] == "length"


async def test_a_program_hears_the_words_of_a_chat_elsewhere_as_they_come(
    alice: User, model: Scripted, other: Other
) -> None:
    key = await in_database(lambda: key_of(alice, "chat"))
    body = {"model": "scripted", "messages": [{"role": "user", "content": "What is a tree?"}], "stream": True}
    line = await begin(COMPLETIONS, body, key)
    await other.says("One ", "two ")
    pieces = line.pieces()
    async for piece in pieces:
        if b"two" in piece:
            break
    await other.says("three")
    await other.ends("stop")
    heard = await line.whole()
    assert heard.words == "One two three"
    assert {event["model"] for event in heard.events[:-1]} == {"numbers"}
    assert model.calls == []


async def test_a_program_is_told_a_failure_elsewhere_as_one_of_its_own(
    alice: User, model: Scripted, other: Other
) -> None:
    key = await in_database(lambda: key_of(alice, "chat"))
    body = {"model": "scripted", "messages": [{"role": "user", "content": "What is a tree?"}]}
    line = await begin(COMPLETIONS, body, key)
    await other.ends("failed", code="provider_overloaded", message="Too many.", hint="Wait.", retry_after=7.0)
    heard = await line.whole()
    assert (heard.status, heard.headers["retry-after"]) == (503, "7")
    assert heard.json["error"]["code"] == "provider_overloaded"
    assert model.calls == []
