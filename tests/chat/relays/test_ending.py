"""An answer that is told to other processes, whatever happens: who leaves, who dies, and what breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from apps.chat import logstore, relaystore, replies
from apps.chat.relaystore import Entry, Place
from apps.chat.replies import Question
from apps.core import memory
from apps.core.memory import MemoryAway
from apps.llm.events import ReasoningDelta, TextDelta
from tests.chat.flying import until
from tests.chat.relays.processes import Model, Process, kept, leading, relayed

pytestmark = pytest.mark.django_db(transaction=True)
NOWHERE = "redis://127.0.0.1:9/0"


# --- who leaves -------------------------------------------------------------------------------------------------------


async def test_when_the_first_one_leaves_it_goes_on_for_the_other_process(
    first: Process, second: Process, model: Model, question: Question
) -> None:
    here = await leading(first, question, model)
    model.says("One ")
    there = second.hears(question, model)
    await until(lambda: there.text)
    await here.leave()
    model.says("two")
    model.ends()
    assert (await there.hearing).own is True  # who asked first paid for what they heard, and nobody for the rest
    assert (there.text, model.prefills) == ("One two", [""])


async def test_another_one_stands_for_it_under_its_first_name_too(
    first: Process, second: Process, processes: Callable[[], Process], model: Model, question: Question
) -> None:
    here = await leading(first, question, model)
    stays = first.hears(question, model)
    model.says("One ")
    early = second.hears(question, model)
    await until(lambda: early.text)
    await here.leave()
    late = processes().hears(question, model)  # finds the other name in Redis
    await until(lambda: late.text)
    model.says("two")
    model.ends()
    await asyncio.gather(*(ear.hearing for ear in (stays, early, late)))
    assert {ear.text for ear in (stays, early, late)} == {"One two"}
    assert model.prefills == [""]


async def test_who_comes_after_the_first_one_left_stands_for_it(
    first: Process, second: Process, model: Model, question: Question
) -> None:
    here = await leading(first, question, model)
    model.says("One ")
    there = second.hears(question, model)
    await until(lambda: there.text)
    await here.leave()
    newcomer = first.hears(question, model)
    await until(lambda: newcomer.text)
    await until(lambda: first.flight(question).leader == newcomer.id)
    model.says("two")
    model.ends()
    await asyncio.gather(newcomer.hearing, there.hearing)
    assert newcomer.text == there.text == "One two"
    assert await kept("nitro:flight:*") == []


async def test_when_all_have_left_everywhere_the_model_is_free(
    first: Process, second: Process, model: Model, question: Question, quick: None
) -> None:
    here = await leading(first, question, model)
    model.says("One ")
    there = second.hears(question, model)
    await until(lambda: there.text)
    await here.leave()
    assert model.running == 1
    await there.leave()
    await until(lambda: not model.running)
    await until(lambda: not first.tasks)
    assert (first.flights.flying, first.flights._ending) == ({}, {})
    assert await kept() == []
    assert await kept("nitro:flight:*") == []


async def test_a_wish_that_runs_out_ends_the_relay_alone(
    first: Process, second: Process, model: Model, question: Question, quick: None
) -> None:
    here = await leading(first, question, model)
    there = second.hears(question, model)
    await relayed(first, question)
    await there.leave()
    await until(lambda: not first.flight(question).relays)
    assert await kept() == []
    again = second.hears(question, model)
    await relayed(first, question)
    model.says("One")
    model.ends()
    await asyncio.gather(here.hearing, again.hearing)
    assert here.text == again.text == "One"


# --- what breaks ------------------------------------------------------------------------------------------------------


async def killed(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """kill -9: Redis names it still."""
    with monkeypatch.context() as patch:
        patch.setattr(replies, "land", lambda *_, **__: None)
        await process.dies()


async def test_if_its_process_dies_one_of_the_others_goes_on_and_tells_nothing_twice(
    first: Process,
    second: Process,
    processes: Callable[[], Process],
    model: Model,
    question: Question,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await leading(first, question, model)
    model.does(ReasoningDelta("Hm. "), TextDelta("One "), TextDelta("two "))
    left = [second, processes()]
    ears = [process.hears(question, model) for process in left]
    await until(lambda: all(ear.text == "One two " for ear in ears))
    await killed(first, monkeypatch)
    await until(lambda: any(process.flight(question).relays for process in left))
    model.does(ReasoningDelta("Ah. "), TextDelta("three"))
    model.ends()
    await asyncio.gather(*(ear.hearing for ear in ears))
    assert {(ear.reasoning, ear.text) for ear in ears} == {("Hm. Ah. ", "One two three")}
    assert model.prefills == ["", "One two "]


async def test_who_says_something_else_is_not_followed(
    first: Process,
    second: Process,
    processes: Callable[[], Process],
    model: Model,
    question: Question,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first one is gone and forgotten; a newcomer begins from the beginning, and with other words."""
    await leading(first, question, model)
    model.says("One three")
    there = second.hears(question, model)
    await until(lambda: there.text)
    await killed(first, monkeypatch)
    await memory.asked(memory.ask, lambda redis: redis.delete(question.keys[1]))
    theirs = Model()
    newcomer = await leading(processes(), question, theirs)
    theirs.says("One two")
    await until(lambda: model.running)
    model.says(", four")
    model.ends()
    theirs.ends()
    await asyncio.gather(there.hearing, newcomer.hearing)
    assert (there.text, newcomer.text) == ("One three, four", "One two")
    assert model.prefills == ["", "One three"]


async def test_a_defect_there_is_no_answer(
    first: Process, second: Process, model: Model, question: Question, forbearing: None
) -> None:
    here = await leading(first, question, model)
    model.says("One ")
    there = second.hears(question, model)
    await until(lambda: there.text)
    model.does(RuntimeError("a defect"))
    await asyncio.wait([here.hearing])
    await until(lambda: len(model.prefills) == 2)
    model.says("two")
    model.ends()
    await there.hearing
    assert (there.text, model.prefills) == ("One two", ["", "One "])


async def test_a_relay_that_begins_anew_is_never_read_as_the_rest(
    first: Process, second: Process, model: Model, question: Question, redis: Redis
) -> None:
    here = await leading(first, question, model)
    model.says("One ")
    there = second.hears(question, model)
    await until(lambda: there.text)
    (relay,) = first.flight(question).relays.values()
    await relaystore.forget(redis, here.id)
    later = Place(relay._place.run + 1, 1)
    await relaystore.append(redis, here.id, later, Entry([TextDelta("One two")]))
    await until(lambda: len(model.prefills) == 2)
    await first.dies()  # so that the second generation alone hears what the model says
    model.says("three")
    model.ends()
    await there.hearing
    assert (there.text, model.prefills[1]) == ("One three", "One ")


async def test_without_redis_who_waits_generates_alone(
    first: Process,
    second: Process,
    model: Model,
    question: Question,
    forbearing: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await leading(first, question, model)
    monkeypatch.setattr(logstore, "connect", lambda **_: Redis.from_url(NOWHERE))
    there = second.hears(question, model)
    await until(lambda: len(model.prefills) == 2)
    await first.dies()
    model.says("One")
    model.ends()
    await there.hearing
    assert there.text == "One"


async def test_without_redis_the_relay_ends_and_nobody_here_notices(
    first: Process, model: Model, question: Question, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here = await leading(first, question, model)
    monkeypatch.setattr(logstore, "connect", lambda **_: Redis.from_url(NOWHERE))
    first.flights.relay(question.digest, here.id)
    assert first.flight(question).relays
    await until(lambda: not first.flight(question).relays)
    model.says("One")
    model.ends()
    await here.hearing
    assert here.text == "One"
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


async def test_an_outage_in_the_middle_costs_no_word(
    first: Process, second: Process, model: Model, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    await leading(first, question, model)
    model.says("One ")
    there = second.hears(question, model)
    await until(lambda: there.text)

    def away(*args: Any, **kwargs: Any) -> Any:
        raise MemoryAway("Redis is away.")

    async def broken(*args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("Redis is away.")

    monkeypatch.setattr(memory, "ask", away)
    monkeypatch.setattr(relaystore, "read", broken)
    monkeypatch.setattr(relaystore, "append", broken)
    await until(lambda: model.running == 2)
    await first.dies()
    model.says("two")
    model.ends()
    await there.hearing
    assert (there.text, model.prefills) == ("One two", ["", "One "])


async def test_there_is_a_bound_to_what_one_process_relays(
    first: Process, model: Model, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.chat.flights.MOST_RELAYS", 0)
    here = await leading(first, question, model)
    first.flights.relay(question.digest, here.id)
    assert first.flight(question).relays == {}
    await here.leave()
