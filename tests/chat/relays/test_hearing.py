"""Equal questions over `/v1/` in several processes: one generation, and everybody hears all of it as it is said."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import pytest
from pytest_django import Settings

from apps.chat import relays, replies
from apps.chat.relaystore import joined
from apps.chat.replies import Question
from apps.core import memory, news
from apps.llm.errors import Overloaded, ProviderError
from apps.llm.events import Chosen, Finished, Progress, ReasoningDelta, RouterEvent, TextDelta, ToolCall, Usage
from tests.chat.flying import until
from tests.chat.relays.processes import Model, Process, kept, leading, question_of, relayed

pytestmark = pytest.mark.django_db(transaction=True)
EVERYTHING: list[RouterEvent] = [
    Progress("queued", 2),
    Progress("reading"),
    Chosen("scripted", "numbers", "ollama", "It rests."),
    ReasoningDelta("Hm. "),
    ReasoningDelta("Ω"),
    TextDelta("One 🙂 "),
    TextDelta("two"),
    ToolCall("1", "clock", "{}"),
    Usage(3, 4),
    Finished("stop"),
]


# --- what is heard ----------------------------------------------------------------------------------------------------


async def test_words_come_to_the_other_process_as_they_are_said(
    first: Process, second: Process, model: Model, question: Question
) -> None:
    here = await leading(first, question, model)
    model.says("One ", "two ")
    there = second.hears(question, model)
    await until(lambda: there.text == "One two ")
    model.says("three")
    await until(lambda: there.text == "One two three")
    assert not here.hearing.done()
    model.ends()
    await asyncio.gather(here.hearing, there.hearing)
    assert here.text == there.text == "One two three"
    assert model.prefills == [""]


async def test_every_kind_of_event_is_told(first: Process, second: Process, model: Model, question: Question) -> None:
    here = await leading(first, question, model)
    there = second.hears(question, model)
    await relayed(first, question)
    model.does(*EVERYTHING)
    await asyncio.gather(here.hearing, there.hearing)
    assert joined(there.events) == joined(here.events) == [Chosen("scripted", "numbers"), *joined(EVERYTHING)]


async def test_who_comes_late_hears_all_of_it(
    first: Process, second: Process, model: Model, question: Question
) -> None:
    await leading(first, question, model)
    model.does(*EVERYTHING[:7])
    await until(lambda: model._mouth.empty())
    there = second.hears(question, model)
    await relayed(first, question)
    model.ends()
    await there.hearing
    assert (there.reasoning, there.text) == ("Hm. Ω", "One 🙂 two")


async def test_several_processes_read_the_same_relay(
    first: Process, second: Process, processes: Callable[[], Process], model: Model, question: Question
) -> None:
    await leading(first, question, model)
    model.says("One ")
    ears = [process.hears(question, model) for process in (second, processes()) for _ in range(3)]
    await until(lambda: all(ear.text for ear in ears))
    assert len(await kept()) == 1
    model.says("two")
    model.ends()
    await asyncio.gather(*(ear.hearing for ear in ears))
    assert {ear.text for ear in ears} == {"One two"}
    assert model.prefills == [""]


async def test_a_slow_model_is_waited_for(
    first: Process, second: Process, model: Model, question: Question, quick: None
) -> None:
    await leading(first, question, model)
    there = second.hears(question, model)
    await relayed(first, question)
    await asyncio.sleep(2.5)  # longer than a silence is borne
    model.says("At last.")
    model.ends()
    await there.hearing
    assert (there.text, model.prefills) == ("At last.", [""])


async def test_a_failure_is_told_alike(first: Process, second: Process, model: Model, question: Question) -> None:
    here = await leading(first, question, model)
    model.says("One ")
    there = second.hears(question, model)
    await until(lambda: there.text)
    model.does(Overloaded("Too many.", hint="Wait.", retry_after=3))
    found = await asyncio.gather(here.hearing, there.hearing, return_exceptions=True)
    errors = [error for error in found if isinstance(error, ProviderError)]
    told = [(error.message, error.code, error.hint, error.status, error.retry_after) for error in errors]
    assert told == [("Too many.", "provider_overloaded", "Wait.", 503, 3)] * 2
    assert model.prefills == [""]


async def test_an_answer_that_ended_meanwhile_is_not_waited_for(
    second: Process, model: Model, question: Question, forbearing: None
) -> None:
    """Redis named who generates; when that one is asked for its words it is over, and another one has the answer."""
    other, later = uuid.uuid4(), uuid.uuid4()
    await memory.asked(replies.look, question, turn_id=other)
    there = second.hears(question, model)
    await until(lambda: second.follows(question))
    await memory.asked(replies.land, question, turn_id=other, reply=None)
    await until(lambda: model.running)
    model.says(f"{later}")
    model.ends()
    await there.hearing
    assert there.text == str(later)


async def test_a_follower_pays_nothing(first: Process, second: Process, model: Model, question: Question) -> None:
    await leading(first, question, model)
    there = second.hears(question, model)
    await relayed(first, question)
    model.says("One")
    model.ends()
    assert (await there.hearing).own is False


# --- nobody notices ---------------------------------------------------------------------------------------------------


async def test_nothing_is_written_for_an_answer_that_nobody_waits_for(
    first: Process, second: Process, model: Model, question: Question
) -> None:
    here = await leading(first, question, model)
    await news.publish({"kind": relays.NEWS, "turn": str(uuid.uuid4()), "digest": question.digest})
    await news.publish({"kind": relays.NEWS, "turn": str(here.id), "digest": question_of().digest})
    model.says("One ", "two")
    await asyncio.sleep(0.3)
    assert first.flight(question).relays == {}
    model.ends()
    await here.hearing
    assert await kept() == []


async def test_a_relay_is_nobody_who_listens(first: Process, second: Process, model: Model, question: Question) -> None:
    here = await leading(first, question, model)
    there = second.hears(question, model)
    await relayed(first, question)
    flight = first.flight(question)
    assert (set(flight.listeners), flight.leader, flight._joined) == ({here.id}, here.id, 0)
    await there.leave()
    await here.leave()
    assert not flight.listeners


async def test_somebody_elses_equal_question_is_answered_by_itself(
    first: Process, second: Process, model: Model, settings: Settings
) -> None:
    alices, bobs = question_of(1), question_of(2)  # the digest has the user in it
    here = await leading(first, alices, model)
    theirs = Model()
    there = await leading(second, bobs, theirs)
    await news.publish({"kind": relays.NEWS, "turn": str(here.id), "digest": bobs.digest})
    model.says("Alice's secret")
    theirs.says("Bob's own")
    await asyncio.sleep(0.3)
    assert first.flight(alices).relays == {}
    model.ends()
    theirs.ends()
    await asyncio.gather(here.hearing, there.hearing)
    assert there.text == "Bob's own"
    assert await kept() == []
