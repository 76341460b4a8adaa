"""Cached answers and single flight, through whole turns: fewer generations, and nobody notices a difference."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import pytest
from pytest_django import Settings
from redis import ConnectionError as RedisConnectionError

from apps.accounts import limits, usage
from apps.accounts.models import User
from apps.chat import conductor, replay, replies, turns
from apps.chat.completions.ledger import ledger
from apps.chat.frames import Continue, Edit, Retry
from apps.chat.models import Turn
from apps.core import memory
from apps.core.database import in_database
from apps.llm.errors import Overloaded
from apps.llm.providers.scripted import Script, Scripted, numbered
from apps.llm.router import Router, router, use
from tests.chat.cast import end_of, seqs_of, text_of, told
from tests.chat.flying import PATIENCE, SLOW, WHOLE, answer, asked, chat, row, speaking, stop, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def _with_a_cache(settings: Settings, model: Scripted) -> None:
    """The model's name is known, as it is a moment after the start."""
    settings.CACHE_TTL = 3600
    await router().models()


# --- the cache --------------------------------------------------------------------------------------------------------


async def test_the_same_question_is_answered_once(alice: User, model: Scripted) -> None:
    first, again = await answer(await chat(alice)), await answer(await chat(alice))
    assert text_of(again) == text_of(first) == "".join(numbered(10))
    assert len(model.calls) == 1
    assert [end_of(items).done["cached"] for items in (first, again)] == [False, True]


async def test_a_cached_answer_is_a_turn_like_any_other(alice: User, model: Scripted) -> None:
    await answer(await chat(alice))
    conversation = await chat(alice)
    turn = await asked(conversation)
    items = await told(conversation, turn.turn_id, html=True)
    saved = await row(turn.turn_id)
    assert end_of(items).done == replay.done_fields(saved)
    assert seqs_of(items) == [1, 2]
    assert (saved.state, saved.cached, saved.answer.text) == (Turn.State.DONE, True, text_of(items))
    assert (saved.provider, saved.model, saved.completion_tokens) == ("scripted", "numbers", 10)
    assert saved.total_ms is not None
    assert saved.tokens_per_second is None
    assert "<p>" in saved.answer.html


async def test_a_cached_answer_costs_no_tokens(alice: User, model: Scripted) -> None:
    for _ in range(3):
        await answer(await chat(alice))
    await ledger().settle()
    day = await in_database(usage.day_get, user_id=alice.pk, day=limits.today())
    assert (day.messages, day.prompt_tokens, day.completion_tokens) == (3, 1, 10)


async def test_another_user_gets_an_answer_of_their_own(alice: User, bob: User, model: Scripted) -> None:
    await answer(await chat(alice))
    assert end_of(await answer(await chat(bob))).done["cached"] is False
    assert len(model.calls) == 2


async def test_what_was_said_before_counts(alice: User, model: Scripted) -> None:
    conversation = await chat(alice)
    await answer(conversation)
    assert end_of(await answer(conversation)).done["cached"] is False


async def test_options_count(alice: User, model: Scripted) -> None:
    await answer(await chat(alice))
    assert end_of(await answer(await chat(alice), options={"temperature": 0.1})).done["cached"] is False
    assert end_of(await answer(await chat(alice), options={"temperature": 0.1})).done["cached"] is True


async def test_who_wants_no_cache_gets_none(alice: User, model: Scripted) -> None:
    await answer(await chat(alice))
    assert end_of(await answer(await chat(alice), cache=False)).done["cached"] is False


async def test_without_a_cache_nothing_is_kept(alice: User, model: Scripted) -> None:
    await answer(await chat(alice), cache=False)
    assert end_of(await answer(await chat(alice))).done["cached"] is False


async def test_a_retry_is_never_from_the_cache_and_its_answer_is_the_one_that_is_kept(
    alice: User, model: Scripted
) -> None:
    model.scripts = [Script(tokens=("first",)), Script(tokens=("second",)), Script(tokens=("third",))]
    conversation = await chat(alice)
    first = await asked(conversation)
    await told(conversation, first.turn_id)
    retry = Retry(message=first.answer_id)
    again = await turns.start(user=alice, conversation_id=conversation.id, frame=retry)
    assert text_of(await told(conversation, again.turn_id)) == "second"
    assert text_of(await answer(await chat(alice))) == "second"


async def test_an_edit_is_never_from_the_cache(alice: User, model: Scripted) -> None:
    await answer(await chat(alice), "What is a bush?")
    conversation = await chat(alice)
    first = await asked(conversation)
    await told(conversation, first.turn_id)
    edit = Edit(message=first.question_id, text="What is a bush?")
    edited = await turns.start(user=alice, conversation_id=conversation.id, frame=edit)
    assert end_of(await told(conversation, edited.turn_id)).done["cached"] is False
    assert len(model.calls) == 3


async def test_a_continuation_is_never_from_the_cache(alice: User, model: Scripted) -> None:
    model.scripts = [Script(tokens=("One ",), reason="length")]
    for _ in range(2):
        conversation = await chat(alice)
        first = await asked(conversation)
        await told(conversation, first.turn_id)
        more = await turns.start(user=alice, conversation_id=conversation.id, frame=Continue(turn=first.turn_id))
        assert end_of(await told(conversation, more.turn_id)).done["cached"] is False
    assert len(model.calls) == 4


@pytest.mark.parametrize(
    "script",
    [
        Script(tokens=numbered(3), reason="length"),
        Script(tokens=numbered(3), failure=Overloaded("Too many."), fails_after=2),
        Script(tokens=()),
        Script(tokens=(" ",)),
    ],
    ids=["cut", "failed", "nothing", "blank"],
)
async def test_what_is_no_whole_answer_is_not_kept(alice: User, model: Scripted, script: Script) -> None:
    model.scripts = [script, Script(tokens=("Whole.",))]
    await answer(await chat(alice))
    items = await answer(await chat(alice))
    assert (text_of(items), end_of(items).done["cached"]) == ("Whole.", False)


async def test_a_stopped_answer_is_not_kept(alice: User, model: Scripted) -> None:
    model.scripts = [SLOW, Script(tokens=("Whole.",))]
    conversation = await chat(alice)
    turn = await asked(conversation)
    await speaking(turn)
    await stop(conversation, turn)
    assert end_of(await told(conversation, turn.turn_id)).done["finish_reason"] == "stopped"
    assert text_of(await answer(await chat(alice))) == "Whole."


async def test_an_endless_answer_is_cut_and_not_kept(
    alice: User, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "ANSWER_LIMIT", 100)
    model.scripts = [Script(tokens=numbered(100_000), delay=0.001)]
    items = await answer(await chat(alice))
    assert end_of(items).done["finish_reason"] == "length"
    await until(lambda: model.running == 0)
    assert end_of(await answer(await chat(alice))).done["cached"] is False


async def test_while_redis_is_away_questions_are_answered_uncached(
    alice: User, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Any:
        raise RedisConnectionError("refused")

    with monkeypatch.context() as patch:
        patch.setattr(memory, "connection", away)
        patch.setattr(memory, "outage", memory.Outage(lambda: None))
        for _ in range(2):
            assert text_of(await answer(await chat(alice))) == "".join(numbered(10))
        assert len(model.calls) == 2
        assert await asyncio.to_thread(memory.outage.wait, PATIENCE)


def restarted() -> None:
    """A process that has just begun knows no model."""
    made = router()._farms.made()
    use(Router(router().settings, {farm.kind: [backend.provider for backend in farm.backends] for farm in made}))


async def test_the_first_question_after_a_start_finds_what_was_kept_before_it(alice: User, model: Scripted) -> None:
    await answer(await chat(alice))
    restarted()
    assert end_of(await answer(await chat(alice))).done["cached"] is True
    assert len(model.calls) == 1


async def test_fifty_equal_questions_right_after_a_start_cost_one_generation(alice: User, model: Scripted) -> None:
    router().resolve()
    restarted()
    model.scripts = [SLOW]
    chats = [await chat(alice) for _ in range(50)]
    answers = await asyncio.gather(*(answer(one) for one in chats))
    assert [text_of(items) for items in answers] == [WHOLE] * 50
    assert len(model.calls) == 1


async def test_where_nobody_knew_the_models_name_before_the_answer_is_kept_all_the_same(
    alice: User, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.llm.router.NAMING", 0)  # the server does not say in time what its model is called
    router().resolve()
    restarted()
    await answer(await chat(alice))
    assert end_of(await answer(await chat(alice))).done["cached"] is True
    assert len(model.calls) == 1


# --- single flight in one process -------------------------------------------------------------------------------------


async def test_fifty_equal_questions_at_once_cost_one_generation(alice: User, model: Scripted) -> None:
    model.scripts = [SLOW]
    chats = [await chat(alice) for _ in range(50)]
    heard = await asyncio.gather(*(answer(conversation) for conversation in chats))
    assert len(model.calls) == 1
    assert {text_of(items) for items in heard} == {WHOLE}
    assert all(seqs_of(items) == list(range(1, len(seqs_of(items)) + 1)) for items in heard)
    saved = await in_database(lambda: list(Turn.objects.select_related("answer")))
    assert {(turn.state, turn.answer.text) for turn in saved} == {(Turn.State.DONE, WHOLE)}
    await ledger().settle()
    day = await in_database(usage.day_get, user_id=alice.pk, day=limits.today())
    assert (day.messages, day.completion_tokens) == (50, 60)


async def test_who_comes_late_hears_all_of_it(alice: User, model: Scripted) -> None:
    model.scripts = [SLOW]
    first_chat, second_chat = await chat(alice), await chat(alice)
    first = await asked(first_chat)
    await speaking(first)
    assert text_of(await answer(second_chat)) == text_of(await told(first_chat, first.turn_id)) == WHOLE
    assert len(model.calls) == 1


async def test_if_the_first_is_stopped_the_others_go_on(alice: User, model: Scripted) -> None:
    model.scripts = [SLOW]
    chats = [await chat(alice) for _ in range(3)]
    first, *others = [await asked(conversation) for conversation in chats]
    await speaking(first)
    await stop(chats[0], first)
    assert end_of(await told(chats[0], first.turn_id)).done["finish_reason"] == "stopped"
    for conversation, turn in zip(chats[1:], others, strict=True):
        assert text_of(await told(conversation, turn.turn_id)) == WHOLE
    assert len(model.calls) == 1


async def test_when_all_are_stopped_the_model_is_free(alice: User, model: Scripted) -> None:
    model.scripts = [SLOW]
    chats = [await chat(alice) for _ in range(3)]
    started = [await asked(conversation) for conversation in chats]
    await speaking(started[0])
    for conversation, turn in zip(chats, started, strict=True):
        await stop(conversation, turn)
    for conversation, turn in zip(chats, started, strict=True):
        await told(conversation, turn.turn_id)
    assert model.running == 0


async def test_who_asks_after_a_stop_gets_an_answer_of_their_own(alice: User, model: Scripted) -> None:
    model.scripts = [SLOW]
    first_chat, second_chat = await chat(alice), await chat(alice)
    first = await asked(first_chat)
    await speaking(first)
    await stop(first_chat, first)
    assert text_of(await answer(second_chat)) == WHOLE


async def test_who_asks_while_a_stopped_answer_is_being_ended_hears_nothing_of_it(
    alice: User, model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis still names the stopped turn as the one that answers, and its log has words."""
    model.scripts = [SLOW]
    first_chat, second_chat = await chat(alice), await chat(alice)
    first = await asked(first_chat)
    await speaking(first)
    await turns.running_turns().flush()
    land = replies.land

    def later(*args: Any, **kwargs: Any) -> None:
        time.sleep(0.3)
        land(*args, **kwargs)

    monkeypatch.setattr(replies, "land", later)
    await stop(first_chat, first)
    assert text_of(await answer(second_chat)) == WHOLE
    assert [call.prefill for call in model.calls] == ["", ""]
    assert not turns.running_turns().flights._ending


async def test_a_failure_is_heard_by_all(alice: User, model: Scripted) -> None:
    model.scripts = [Script(tokens=numbered(5), first_delay=0.3, failure=Overloaded("Too many."), fails_after=3)]
    chats = [await chat(alice) for _ in range(5)]
    heard = await asyncio.gather(*(answer(conversation) for conversation in chats))
    assert {end_of(items).error["code"] for items in heard} == {"provider_overloaded"}  # type: ignore[index]
    assert len(model.calls) == 1


async def test_retries_do_not_join(alice: User, model: Scripted) -> None:
    conversation = await chat(alice)
    first = await asked(conversation)
    await told(conversation, first.turn_id)
    model.scripts = [SLOW]
    retries = [
        await turns.start(user=alice, conversation_id=conversation.id, frame=Retry(message=first.answer_id))
        for _ in range(2)
    ]
    for turn in retries:
        await told(conversation, turn.turn_id)
    assert len(model.calls) == 3


async def test_people_do_not_join_each_other(alice: User, bob: User, model: Scripted) -> None:
    model.scripts = [SLOW]
    await asyncio.gather(answer(await chat(alice)), answer(await chat(bob)))
    assert len(model.calls) == 2


async def test_people_join_each_other_where_the_administrator_wants_it(
    alice: User, bob: User, model: Scripted, settings: Settings
) -> None:
    settings.CACHE_SHARED = True
    model.scripts = [SLOW]
    heard = await asyncio.gather(answer(await chat(alice)), answer(await chat(bob)))
    assert {text_of(items) for items in heard} == {WHOLE}
    assert len(model.calls) == 1


async def test_random_stops_mix_nothing_up(alice: User, bob: User, model: Scripted) -> None:
    """Whatever is stopped whenever: every answer is a beginning of its own question's answer, the others are whole."""

    class Echo(Scripted):
        async def stream(self, call: Any) -> Any:
            self.scripts = [Script(tokens=[f"{call.messages[-1].text}-{n} " for n in range(30)], delay=0.005)]
            async for event in super().stream(call):
                yield event

    model.stream = Echo.stream.__get__(Echo(), Echo)  # type: ignore[method-assign]
    chance = random.Random(4)

    async def one(user: User, word: str) -> tuple[str, str, str]:
        conversation = await chat(user)
        turn = await asked(conversation, word)
        if chance.random() < 0.5:
            await asyncio.sleep(chance.random() * 0.15)
            await stop(conversation, turn)
        items = await told(conversation, turn.turn_id)
        return word, text_of(items), end_of(items).done["finish_reason"]

    people = {alice: ("maple", "heron"), bob: ("maple", "basalt")}
    wishes = [(user, chance.choice(words)) for _ in range(30) for user, words in people.items()]
    for word, text, reason in await asyncio.gather(*(one(*wish) for wish in wishes)):
        whole = "".join(f"{word}-{n} " for n in range(30))
        assert whole.startswith(text)
        assert text == whole or reason == "stopped"
