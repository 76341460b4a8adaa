"""The line before a model, over several processes and through outages of Redis. Each gate here stands for a process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from uuid import uuid4

import pytest
from django.conf import settings
from redis.asyncio import Redis

from apps.llm import shared_gate as shared
from apps.llm.board import Crowd, crowd
from apps.llm.gate import Ticket
from apps.llm.shared_gate import SharedGate, keys
from nitro.embedded.redis import Redis as EmbeddedRedis
from tests.faults.proxy import Proxy
from tests.llm.asking import each_closed, until

Make = Callable[..., SharedGate]
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def name() -> str:
    return f"test-{uuid4().hex}"


@pytest.fixture
async def make(name: str) -> AsyncIterator[Make]:
    def gate(limit: int = 1, url: str = "") -> SharedGate:
        return SharedGate(name, limit, url or settings.REDIS_URL)

    async with each_closed(gate) as build:
        yield build


@pytest.fixture
async def redis(name: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(settings.REDIS_URL)
    yield client
    await client.delete(*keys(name))
    await client.aclose()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    between = Proxy(EmbeddedRedis(settings.NITRO_HOME).socket)
    yield between
    between.close()


async def inside(ticket: Ticket) -> Ticket:
    """Wait until it is this ticket's turn."""
    async with aclosing(ticket.places()) as places:
        async for _ in places:
            pass
    return ticket


async def placed(ticket: Ticket, place: int) -> Ticket:
    await until(lambda: ticket.place == place)
    return ticket


async def die(gate: SharedGate) -> None:
    """What a killed process does: it says nothing any more."""
    await gate.close()


async def test_whoever_finds_room_hears_of_no_place(make: Make) -> None:
    async with aclosing(make().take("a").places()) as places:
        assert [place async for place in places] == []


async def test_two_processes_have_one_line(make: Make) -> None:
    one, other = make(), make()
    first = await inside(one.take("a"))
    second = await placed(other.take("b"), 1)
    third = await placed(one.take("c"), 2)
    first.release()
    await inside(second)
    await placed(third, 1)
    second.release()
    await inside(third)


async def test_the_limit_holds_over_all_processes(make: Make) -> None:
    gates = [make(2) for _ in range(3)]
    tickets = [gate.take(f"{number}") for number, gate in enumerate(gates * 3)]
    await until(lambda: sorted(ticket.place for ticket in tickets) == [0, 0, *range(1, 8)])
    assert sum(ticket.inside for ticket in tickets) == 2


async def test_people_take_turns_over_all_processes(make: Make) -> None:
    one, other = make(), make()
    running = await inside(one.take("greedy"))
    greedy = [await placed(one.take("greedy"), place) for place in (1, 2, 3)]
    normal = await placed(other.take("normal"), 1)
    running.release()
    await inside(normal)
    await placed(greedy[0], 1)


async def test_where_others_were_seen_one_has_at_most_half_of_the_places(make: Make) -> None:
    one, other = make(4), make(4)
    (await inside(other.take("b"))).release()
    tickets = [one.take("a") for _ in range(4)]
    await until(lambda: all(ticket.inside or ticket.place for ticket in tickets))
    assert [ticket.inside for ticket in tickets] == [True, True, False, False]
    await inside(other.take("b"))


async def test_whoever_steps_out_of_the_line_moves_the_others_up(make: Make) -> None:
    one, other = make(), make()
    await inside(one.take("a"))
    impatient = await placed(one.take("b"), 1)
    patient = await placed(other.take("c"), 2)
    impatient.release()
    await placed(patient, 1)


async def test_who_is_cancelled_while_redis_is_being_asked_leaves_nothing_behind(
    make: Make, name: str, redis: Redis
) -> None:
    gate = make()
    for _ in range(5):
        waiting = asyncio.create_task(inside(ticket := gate.take("a")))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        ticket.release()
    await inside(last := gate.take("b"))
    assert crowd(settings.REDIS_URL, name) == Crowd(1, 0)
    last.release()


async def test_the_places_of_a_killed_process_are_free_within_seconds(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "LEASE", 0.3)
    monkeypatch.setattr(shared, "BEAT", 0.1)
    killed, other = make(), make()
    await inside(killed.take("a"))
    waiting = await placed(other.take("b"), 1)
    await die(killed)
    await inside(waiting)


async def test_a_process_that_was_taken_for_dead_has_its_place_back(
    make: Make, name: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "BEAT", 0.05)
    await inside(make().take("a"))
    await redis.delete(*keys(name))

    def is_full() -> bool:
        return crowd(settings.REDIS_URL, name) == Crowd(1, 0)

    await until(is_full)
    await placed(make().take("b"), 1)


async def test_a_line_survives_a_wiped_redis(
    make: Make, name: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "BEAT", 0.05)
    gate = make()
    first = await inside(gate.take("a"))
    second = await placed(gate.take("b"), 1)
    await redis.delete(*keys(name))
    first.release()
    await inside(second)


async def test_without_redis_each_process_decides_for_itself(make: Make) -> None:
    gate = make(url=NOWHERE)
    first = await inside(gate.take("a"))
    second = await placed(gate.take("b"), 1)
    first.release()
    await inside(second)
    assert gate.alone


async def test_while_redis_is_away_nobody_waits_for_it(make: Make) -> None:
    gate = make(2, url=NOWHERE)
    await inside(gate.take("a"))
    assert gate.take("b").inside


async def test_a_hanging_redis_costs_a_quarter_of_a_second_once(proxy: Proxy, make: Make) -> None:
    proxy.set("hang")
    gate = make(3, url=f"redis://127.0.0.1:{proxy.port}/0")
    await inside(gate.take("a"))
    assert gate.alone
    assert gate.take("b").inside


async def test_who_waits_when_redis_goes_away_is_served_by_the_own_line(proxy: Proxy, make: Make) -> None:
    gate = make(url=f"redis://127.0.0.1:{proxy.port}/0")
    first = await inside(gate.take("a"))
    second = await placed(gate.take("b"), 1)
    proxy.set("refuse")
    await until(lambda: gate.alone)
    assert not second.inside
    first.release()
    assert second.inside


async def test_the_line_is_shared_again_when_redis_is_back(
    proxy: Proxy, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "RETRY", 0.05)
    proxy.set("refuse")
    cut_off, other = make(url=f"redis://127.0.0.1:{proxy.port}/0"), make()
    alone = await inside(cut_off.take("a"))
    proxy.set("up")
    await until(lambda: not cut_off.alone)
    waiting = await placed(other.take("b"), 1)
    alone.release()
    await inside(waiting)


async def test_a_gate_that_is_closed_can_be_used_again(make: Make) -> None:
    gate = make()
    (await inside(gate.take("a"))).release()
    await gate.close()
    await inside(gate.take("a"))
