"""The line before a model."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from hypothesis import given
from hypothesis import strategies as st

from apps.llm.gate import Gate, Ticket


async def places(ticket: Ticket) -> list[int]:
    async with aclosing(ticket.places()) as line:
        return [place async for place in line]


async def test_whoever_finds_room_does_not_wait() -> None:
    gate = Gate(2)
    assert await places(gate.take()) == []
    assert await places(gate.take()) == []
    assert gate.inside == 2


async def test_those_who_wait_hear_their_place_as_it_changes() -> None:
    gate = Gate(1)
    first, second, third = gate.take(), gate.take(), gate.take()
    hearing = asyncio.gather(places(second), places(third))
    await asyncio.sleep(0)
    first.release()
    await asyncio.sleep(0.01)
    second.release()
    assert list(await hearing) == [[1], [2, 1]]


async def test_whoever_leaves_the_line_moves_the_others_up() -> None:
    gate = Gate(1)
    inside, impatient, patient = gate.take(), gate.take(), gate.take()
    impatient.release()
    assert patient.place == 1
    inside.release()
    assert patient.inside
    assert not impatient.inside


async def test_leaving_twice_frees_one_place() -> None:
    gate = Gate(1)
    inside, second, third = gate.take(), gate.take(), gate.take()
    inside.release()
    inside.release()
    assert second.inside
    assert not third.inside


async def test_a_newcomer_does_not_pass_the_line() -> None:
    gate = Gate(2)
    a, b, waiting = gate.take(), gate.take(), gate.take()
    a.release()
    b.release()
    late, later = gate.take(), gate.take()
    assert (waiting.inside, late.inside, later.inside) == (True, True, False)


@given(limit=st.integers(1, 3), moves=st.lists(st.integers(0, 9), max_size=40))
def test_never_more_than_the_limit_are_inside_and_nobody_waits_before_a_free_place(
    limit: int, moves: list[int]
) -> None:
    gate = Gate(limit)
    tickets: list[Ticket] = []
    for move in moves:
        if move < 5 or not tickets:
            tickets.append(gate.take())
        else:
            tickets.pop(move % len(tickets)).release()
        inside = [ticket for ticket in tickets if ticket.inside]
        waiting = [ticket for ticket in tickets if not ticket.inside]
        assert gate.inside == len(inside) <= limit
        assert not waiting or len(inside) == limit
        assert [ticket.place for ticket in waiting] == list(range(1, len(waiting) + 1))
