"""Turn logs in Redis: written in any portions, some of them twice, they read as one answer."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from apps.chat import logstore
from apps.chat.logstore import RedisAway, Stored, Unwritten
from apps.chat.turnlog import Delta, End, Status
from tests.chat.cast import seqs_of, text_of

WORDS = [f"w{n} " for n in range(1, 11)]
DONE = {"finish_reason": "stop"}


@pytest.fixture
def turn() -> uuid.UUID:
    return uuid.uuid4()


async def put(redis: Redis, turn: uuid.UUID, first: int, last: int, *, end: bool = False) -> None:
    """Write the deltas from `first` to `last`, and perhaps the end after them."""
    ending = End(last + 1, DONE) if end else None
    await logstore.write(redis, [Unwritten(turn, first, WORDS[first - 1 : last], end=ending)])


async def test_what_was_written_is_read(redis: Redis, turn: uuid.UUID) -> None:
    await put(redis, turn, 1, 4)
    await put(redis, turn, 5, 10, end=True)
    items = (await logstore.read(redis, turn, after=0)).items
    assert seqs_of(items) == list(range(1, 12))
    assert text_of(items) == "".join(WORDS)
    assert items[-1] == End(11, DONE)


@pytest.mark.parametrize("after", range(11))
async def test_one_can_begin_to_read_anywhere(redis: Redis, turn: uuid.UUID, after: int) -> None:
    await put(redis, turn, 1, 4)
    await put(redis, turn, 5, 10, end=True)
    assert seqs_of((await logstore.read(redis, turn, after=after)).items) == list(range(after + 1, 12))


async def test_what_was_written_twice_is_read_once(redis: Redis, turn: uuid.UUID) -> None:
    for last in (3, 3, 6):  # a confirmation that was lost, and a longer portion at the second try
        await put(redis, turn, 1, last)
    await put(redis, turn, 4, 10, end=True)
    await put(redis, turn, 4, 10, end=True)
    assert text_of((await logstore.read(redis, turn, after=0)).items) == "".join(WORDS)


async def test_a_gap_ends_what_can_be_read(redis: Redis, turn: uuid.UUID) -> None:
    await put(redis, turn, 1, 3)
    await put(redis, turn, 6, 10, end=True)
    assert seqs_of((await logstore.read(redis, turn, after=0)).items) == [1, 2, 3]
    assert seqs_of((await logstore.read(redis, turn, after=5)).items) == [6, 7, 8, 9, 10, 11]


async def test_a_status_is_for_those_who_have_no_words_yet(redis: Redis, turn: uuid.UUID) -> None:
    await logstore.write(redis, [Unwritten(turn, 1, [], Status("queued", 2), 1)])
    await logstore.write(redis, [Unwritten(turn, 1, ["w1 "], Status("reading"), 2)])
    whole = (await logstore.read(redis, turn, after=0)).items
    assert whole == [Status("queued", 2), Status("reading"), Delta(1, "w1 ")]
    assert (await logstore.read(redis, turn, after=1)).items == []


async def test_an_error_travels_with_the_end(redis: Redis, turn: uuid.UUID) -> None:
    end = End(1, {"finish_reason": "failed"}, {"code": "provider_timeout"})
    await logstore.write(redis, [Unwritten(turn, 1, [], end=end)])
    assert (await logstore.read(redis, turn, after=0)).items == [end]


async def test_a_running_turn_stays_and_an_ended_one_expires(redis: Redis, turn: uuid.UUID) -> None:
    await put(redis, turn, 1, 3)
    assert await redis.ttl(logstore.key(turn)) == -1
    await put(redis, turn, 4, 10, end=True)
    assert 0 < await redis.ttl(logstore.key(turn)) <= logstore.KEPT_SECONDS


async def test_many_turns_are_written_at_once(redis: Redis) -> None:
    turns = [uuid.uuid4() for _ in range(5)]
    await logstore.write(redis, [Unwritten(turn, 1, [f"of {turn}"]) for turn in turns])
    for turn in turns:
        assert text_of((await logstore.read(redis, turn, after=0)).items) == f"of {turn}"


async def test_a_reader_waits_for_what_comes_next(redis: Redis, turn: uuid.UUID) -> None:
    await put(redis, turn, 1, 3)
    stored = await logstore.read(redis, turn, after=0)
    other = logstore.connect(timeout=5)
    waiting = asyncio.ensure_future(logstore.wait(other, turn, stored, after=3, milliseconds=4000))
    await put(redis, turn, 4, 10, end=True)
    assert seqs_of((await waiting).items) == list(range(4, 12))
    await other.aclose()


async def test_a_reader_who_waited_in_vain_has_nothing(redis: Redis, turn: uuid.UUID) -> None:
    found = await logstore.wait(redis, turn, Stored(), after=0, milliseconds=10)
    assert (found.items, found.last_id) == ([], "0-0")


async def test_an_unwritable_key_is_an_error_and_no_silent_loss(redis: Redis, turn: uuid.UUID) -> None:
    await redis.set(logstore.key(turn), "no stream", ex=60)
    with pytest.raises(RedisError):
        await put(redis, turn, 1, 3)


async def test_redis_away_is_told_by_name(turn: uuid.UUID) -> None:
    nowhere = Redis.from_url("redis://127.0.0.1:9/0", socket_connect_timeout=0.5)
    with pytest.raises(RedisAway):
        await put(nowhere, turn, 1, 3)
    with pytest.raises(RedisAway):
        await logstore.read(nowhere, turn, after=0)
    await nowhere.aclose()


async def read_on(turn: uuid.UUID) -> None:
    """Look again and again, as whoever follows a turn of another process."""
    redis = logstore.connect(timeout=5)
    try:
        while True:
            await logstore.read(redis, turn, after=0)
            await logstore.wait(redis, turn, Stored(), after=0, milliseconds=20)
    finally:
        await redis.aclose()


async def test_a_reader_that_is_cancelled_ends_whatever_it_is_doing(turn: uuid.UUID) -> None:
    """It may be connecting, sending or waiting; of a hundred, some dozens went on before."""
    readers = []
    for number in range(100):
        readers.append(asyncio.ensure_future(read_on(turn)))
        for _ in range(number % 25):
            await asyncio.sleep(0)
        readers[-1].cancel()
    _, running = await asyncio.wait(readers, timeout=30)
    for reader in running:
        reader.cancel()
    assert not running
