"""Relayed answers in Redis: every event comes out as it went in, and nothing is read that does not come next."""

from __future__ import annotations

import uuid
from typing import get_args

import pytest
from redis.asyncio import Redis

from apps.chat import relaystore
from apps.chat.relaystore import START, Broken, Ending, Entry, Failure, Place, joined
from apps.llm.errors import Overloaded
from apps.llm.events import (
    Chosen,
    Event,
    Finished,
    Progress,
    ReasoningDelta,
    RouterEvent,
    TextDelta,
    ToolCall,
    Usage,
)

EVENTS: list[RouterEvent] = [
    TextDelta("plain"),
    TextDelta('é e\u0301 🙂 \u2028 \x00 " \\ \n 漢字 \U0010ffff'),
    TextDelta("x" * 300_000),
    ReasoningDelta("🤔" * 1000),
    ToolCall("call-1", "clock", '{"zone": "Ω"}'),
    ToolCall("", "", ""),
    Usage(0, 0),
    Usage(2**40, 12),
    Finished("stop"),
    Finished("length"),
    Progress("reading"),
    Progress("queued", 3),
    Chosen("openai", "m"),
    Chosen("ollama", "m:7b", "openai", "Es ruht bis Montag."),
]


@pytest.fixture
def turn() -> uuid.UUID:
    return uuid.uuid4()


def place(number: int, run: int = 7) -> Place:
    return Place(run, number)


async def everything(redis: Redis, turn: uuid.UUID, after: Place = START) -> list[Entry]:
    return (await relaystore.read(redis, turn, after=after, milliseconds=1))[0]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: repr(event)[:40])
def test_an_event_comes_out_as_it_went_in(event: RouterEvent) -> None:
    entry = relaystore.decode(relaystore.encode(Entry([event])))
    assert entry == Entry([event])
    assert type(entry.events[0]) is type(event)


def test_every_kind_of_event_has_a_name() -> None:
    assert set(relaystore.KINDS.values()) == {*get_args(Event), Progress, Chosen} == {type(event) for event in EVENTS}
    assert set(get_args(RouterEvent)) == set(relaystore.KINDS.values())


@pytest.mark.parametrize(
    "entry", [Entry(), Entry(EVENTS), Entry([], Ending()), Entry(EVENTS, Ending(True, alone=True))]
)
async def test_an_entry_goes_through_redis(redis: Redis, turn: uuid.UUID, entry: Entry) -> None:
    await relaystore.append(redis, turn, place(1), entry)
    (found,) = await everything(redis, turn)
    assert (list(found.events), found.ending) == (list(entry.events), entry.ending)


async def test_a_failure_goes_through_redis(redis: Redis, turn: uuid.UUID) -> None:
    failed = Ending(failure=Failure.of(Overloaded("Zu viel für den Server.", hint="Wait.", retry_after=2.5)))
    await relaystore.append(redis, turn, place(1), Entry([], failed))
    (found,) = await everything(redis, turn)
    assert found.ending == failed
    assert found.ending.failure is not None
    error = found.ending.failure.error()
    assert (error.message, error.code, error.hint) == ("Zu viel für den Server.", "provider_overloaded", "Wait.")
    assert (error.status, error.retry_after) == (503, 2.5)


def test_words_that_follow_each_other_are_joined_and_nothing_else() -> None:
    events: list[RouterEvent] = [
        TextDelta("a"),
        TextDelta("b"),
        ReasoningDelta("c"),
        ReasoningDelta("d"),
        Usage(1, 2),
        TextDelta("e"),
    ]
    before = [TextDelta("a"), TextDelta("b")]
    assert joined(events) == [TextDelta("ab"), ReasoningDelta("cd"), Usage(1, 2), TextDelta("e")]
    assert joined(joined(events)) == joined(events)
    assert events[:2] == before  # others hear the same events


async def test_what_was_written_twice_is_read_once(redis: Redis, turn: uuid.UUID) -> None:
    for _ in range(2):  # as when the confirmation was lost
        await relaystore.append(redis, turn, place(1), Entry([TextDelta("One ")]))
    await relaystore.append(redis, turn, place(2), Entry([TextDelta("two")]))
    assert [list(entry.events) for entry in await everything(redis, turn)] == [[TextDelta("One ")], [TextDelta("two")]]


@pytest.mark.parametrize("after", [START, place(1)], ids=["at the beginning", "later"])
async def test_a_gap_is_noticed(redis: Redis, turn: uuid.UUID, after: Place) -> None:
    for number in (3, 4):
        await relaystore.append(redis, turn, place(number), Entry([TextDelta("words")]))
    with pytest.raises(Broken):
        await everything(redis, turn, after)


async def test_another_relay_of_the_same_answer_is_not_its_continuation(redis: Redis, turn: uuid.UUID) -> None:
    await relaystore.append(redis, turn, place(1), Entry([TextDelta("One ")]))
    found, last = await relaystore.read(redis, turn, after=START, milliseconds=1)
    assert len(found) == 1
    await relaystore.forget(redis, turn)
    await relaystore.append(redis, turn, place(1, run=8), Entry([TextDelta("One ")]))
    await relaystore.append(redis, turn, place(2, run=8), Entry([TextDelta("two")]))
    with pytest.raises(Broken):
        await everything(redis, turn, last)


@pytest.mark.parametrize(
    "coded",
    [
        {b"x": b"1"},
        {b"v": b"no json"},
        {b"v": b'[["colour", 1]]'},
        {b"v": b'[["usage", 1]]'},
        {b"v": b"[]", b"e": b"{}"},
    ],
)
def test_what_cannot_be_read_is_no_entry(coded: dict[bytes, bytes]) -> None:
    with pytest.raises(Broken):
        relaystore.decode(coded)


async def test_a_relay_is_forgotten_after_a_minute(redis: Redis, turn: uuid.UUID) -> None:
    await relaystore.append(redis, turn, place(1), Entry())
    assert 0 < await redis.ttl(relaystore.key(turn)) <= 60
