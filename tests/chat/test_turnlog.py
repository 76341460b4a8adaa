"""The log in memory: any number of readers, each from any point, each to the same end."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from apps.chat.turnlog import Delta, End, Status, TurnLog
from tests.chat.cast import end_of, heard, seqs_of, states_of, text_of

DONE = {"finish_reason": "stop"}
WORDS = ["One ", "two ", "three."]


@pytest.fixture
def log() -> TurnLog:
    return TurnLog(uuid.uuid4(), "Before: ")


@pytest.fixture
def ended(log: TurnLog) -> TurnLog:
    for word in WORDS:
        log.append(word)
    log.finish(DONE)
    return log


def test_marks_are_the_ends_of_the_deltas(ended: TurnLog) -> None:
    assert ended.marks == [4, 8, 14]
    assert ended.length == 14
    assert ended.text == "Before: One two three."


async def test_an_ended_log_is_told_from_the_beginning(ended: TurnLog) -> None:
    items = await heard(ended.follow(0, html=False))
    assert items == [Delta(1, "One "), Delta(2, "two "), Delta(3, "three."), End(4, DONE)]


@pytest.mark.parametrize("after", range(4))
async def test_any_seq_is_a_place_to_go_on_from(ended: TurnLog, after: int) -> None:
    assert seqs_of(await heard(ended.follow(after, html=False))) == list(range(after + 1, 5))


@pytest.mark.parametrize("after", [4, 5, 99])
async def test_every_reader_hears_the_end_wherever_they_begin(ended: TurnLog, after: int) -> None:
    assert await heard(ended.follow(after, html=False)) == [End(4, DONE)]


async def test_a_reader_who_is_early_waits(log: TurnLog) -> None:
    reading = asyncio.ensure_future(heard(log.follow(0, html=False)))
    for word in WORDS:
        await asyncio.sleep(0)
        log.append(word)
    log.finish(DONE)
    assert text_of(await reading) == "".join(WORDS)


async def test_many_readers_hear_the_same(log: TurnLog) -> None:
    readings = [asyncio.ensure_future(heard(log.follow(0, html=bool(n % 2)))) for n in range(20)]
    await asyncio.sleep(0)
    for word in WORDS:
        log.append(word)
    log.finish(DONE)
    assert {text_of(items) for items in await asyncio.gather(*readings)} == {"".join(WORDS)}


async def test_a_status_is_told_before_the_words_and_only_when_it_changes(log: TurnLog) -> None:
    reading = asyncio.ensure_future(heard(log.follow(0, html=False)))
    for state in ("queued", "reading"):
        log.set_status(Status(state))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    log.append("One")
    log.finish(DONE)
    assert states_of(await reading) == ["queued", "reading"]


async def test_a_reader_who_leaves_does_not_disturb_the_others(log: TurnLog) -> None:
    staying, leaving = (asyncio.ensure_future(heard(log.follow(0, html=False))) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    log.append("One")
    log.finish(DONE)
    assert seqs_of(await staying) == [1, 2]


async def test_the_error_travels_with_the_end(log: TurnLog) -> None:
    log.finish(DONE, {"code": "provider_unreachable"})
    assert end_of(await heard(log.follow(0, html=False))).error == {"code": "provider_unreachable"}


async def test_html_is_there_for_those_who_asked(ended: TurnLog) -> None:
    assert ended.rendered() is None
    items = await heard(ended.follow(0, html=True))
    assert any(item.html is not None for item in items if isinstance(item, Delta))
    rendered = ended.rendered()
    assert rendered is not None
    assert "Before: One two three." in rendered


async def test_a_status_is_no_news_once_there_are_words(log: TurnLog) -> None:
    log.set_status(Status("reading"))
    log.append("One")
    reading = asyncio.ensure_future(heard(log.follow(0, html=False)))
    await asyncio.sleep(0)
    log.finish(DONE)
    assert states_of(await reading) == []
