"""Reading a turn that another process runs or ran: the same items, from Redis, the row, or both."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from redis.asyncio import Redis

from apps.chat import logstore, replay, selectors, services
from apps.chat.logstore import Unwritten
from apps.chat.models import Conversation, Turn
from apps.chat.services import Checkpoint
from apps.chat.turnlog import Delta, End, Item, Status
from apps.core.database import in_database
from tests.chat.cast import HERE, begun, end_of, heard, outcome, request, seqs_of, states_of, text_of
from tests.llm.asking import until

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = [f"w{n} " for n in range(1, 11)]
MARKS = [len("".join(WORDS[:n])) for n in range(1, 11)]


@pytest.fixture
def turn(conversation: Conversation) -> Turn:
    return begun(conversation).turn


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = "redis://127.0.0.1:9/0"
    monkeypatch.setattr(logstore, "connect", lambda **_: Redis.from_url(nowhere, socket_connect_timeout=0.5))
    monkeypatch.setattr(replay, "WITHOUT_REDIS_SECONDS", 0.01)


async def log(redis: Redis, turn: Turn, words: Sequence[str], first: int = 1, end: End | None = None) -> None:
    await logstore.write(redis, [Unwritten(turn.id, first, words, end=end)])


async def finish(turn: Turn, count: int = 10, base: str = "", state: str = Turn.State.DONE) -> None:
    ending = outcome(base + "".join(WORDS[:count]), marks=MARKS[:count], state=state)
    await in_database(services.turn_finish, turn_id=turn.id, owner=HERE, outcome=ending)


async def follow(turn: Turn, after: int = 0, *, html: bool = False) -> list[Item]:
    fresh = await in_database(selectors.turn_row, turn_id=turn.id)
    assert fresh is not None
    async with asyncio.timeout(20):
        return await heard(replay.follow(fresh, after, html=html))


async def test_an_ended_turn_is_read_from_its_row(turn: Turn) -> None:
    await finish(turn)
    items = await follow(turn)
    assert items[:-1] == [Delta(n, word) for n, word in enumerate(WORDS, 1)]
    end = end_of(items)
    assert (end.seq, end.done["finish_reason"]) == (11, "stop")
    assert set(end.done) == {"finish_reason", "usage", "timing", "cached", "provider", "model"}


@pytest.mark.parametrize("after", range(11))
async def test_one_can_go_on_from_any_seq_of_the_row(turn: Turn, after: int) -> None:
    await finish(turn)
    assert seqs_of(await follow(turn, after)) == list(range(after + 1, 12))


@pytest.mark.parametrize("after", [9, 12, 99])
async def test_a_reader_who_heard_more_than_was_saved_hears_the_end(turn: Turn, after: int) -> None:
    await finish(turn, 8, state=Turn.State.INTERRUPTED)
    assert end_of(await follow(turn, after)).done["finish_reason"] == "interrupted"


async def test_a_running_turn_is_followed_in_redis(turn: Turn, redis: Redis) -> None:
    await log(redis, turn, WORDS[:4])
    following = asyncio.ensure_future(follow(turn, 2))
    await log(redis, turn, WORDS[4:], 5, End(11, {"finish_reason": "stop"}))
    items = await following
    assert seqs_of(items) == list(range(3, 12))
    assert text_of(items) == "".join(WORDS[2:])


async def test_a_status_is_told_to_those_who_are_at_the_beginning(turn: Turn, redis: Redis) -> None:
    await logstore.write(redis, [Unwritten(turn.id, 1, [], Status("queued", 3), 1)])
    await log(redis, turn, WORDS, 1, End(11, {}))
    assert states_of(await follow(turn)) == ["queued"]
    assert states_of(await follow(turn, 1)) == []


async def test_the_end_in_the_row_is_enough(turn: Turn, redis: Redis) -> None:
    await log(redis, turn, WORDS[:4])
    following = asyncio.ensure_future(follow(turn))
    await asyncio.sleep(0)
    await finish(turn)
    items = await following
    assert seqs_of(items) == list(range(1, 12))
    assert text_of(items) == "".join(WORDS)


@pytest.mark.usefixtures("no_redis")
async def test_without_redis_a_running_turn_is_read_from_checkpoints(turn: Turn) -> None:
    following = asyncio.ensure_future(follow(turn))
    for count in (3, 7):
        point = Checkpoint(turn.id, "".join(WORDS[:count]), MARKS[:count])
        await in_database(services.turns_checkpoint, checkpoints=[point])
    await finish(turn)
    items = await following
    assert seqs_of(items) == list(range(1, 12))
    assert text_of(items) == "".join(WORDS)


async def test_a_log_that_was_wiped_is_made_good_by_the_row(turn: Turn, redis: Redis) -> None:
    await log(redis, turn, WORDS[:4])
    fresh = await in_database(selectors.turn_row, turn_id=turn.id)
    assert fresh is not None
    async with asyncio.timeout(20):
        following = replay.follow(fresh, 0, html=False)
        items = [await anext(following) for _ in range(4)]
        await redis.delete(logstore.key(turn.id))
        await log(redis, turn, WORDS[6:], 7)
        await finish(turn)
        items += await heard(following)
    assert seqs_of(items) == list(range(1, 12))
    assert text_of(items) == "".join(WORDS)


async def test_a_continuation_is_told_without_what_stood_there_before(conversation: Conversation) -> None:
    first = await in_database(begun, conversation)
    await finish(first.turn, 3)
    second = await in_database(services.turn_continue, request=request(conversation), turn_id=first.turn.id)
    await finish(second.turn, 5, base="".join(WORDS[:3]))
    assert text_of(await follow(second.turn)) == "".join(WORDS[:5])


async def test_an_error_in_the_row_comes_with_the_end(turn: Turn) -> None:
    problem = {"error_code": "provider_timeout", "error_message": "Too slow.", "error_hint": "Wait."}
    ending = outcome("", marks=[], state=Turn.State.FAILED)
    await in_database(services.turn_finish, turn_id=turn.id, owner=HERE, outcome=ending)
    await in_database(
        Turn.objects.filter(id=turn.id).update, fallback_from="openai", fallback_reason="It rests.", **problem
    )
    end = end_of(await follow(turn))
    assert end.error == {"code": "provider_timeout", "message": "Too slow.", "hint": "Wait."}
    assert (end.done["fallback_from"], end.done["fallback_reason"]) == ("openai", "It rests.")


async def test_html_is_made_for_those_who_asked(turn: Turn, redis: Redis) -> None:
    await log(redis, turn, ["A **bold", "** word"], 1, End(3, {}))
    patches = [item.html for item in await follow(turn, html=True) if isinstance(item, Delta | End)]
    assert patches[0] is not None
    assert patches[0].count == 1
    late = [item.html for item in await follow(turn, 1, html=True) if isinstance(item, Delta)]
    assert late == [patches[1]]


async def connections_are(redis: Redis, count: int) -> bool:
    return len(await redis.client_list()) == count


async def test_whoever_stops_listening_leaves_no_connection_behind(turn: Turn, redis: Redis) -> None:
    await log(redis, turn, WORDS[:4])
    fresh = await in_database(selectors.turn_row, turn_id=turn.id)
    assert fresh is not None
    before = len(await redis.client_list())
    items = replay.follow(fresh, 0, html=False)
    await anext(items)
    await items.aclose()
    await until(lambda: connections_are(redis, before))
