"""The line before a model, within one process."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from hypothesis import given
from hypothesis import strategies as st

from apps.llm import gate as gates
from apps.llm.gate import Gate, Ticket
from tests.llm.asking import until


async def places(ticket: Ticket, told: list[int] | None = None) -> list[int]:
    """All places until it is inside; `told` has those that were told so far."""
    found = [] if told is None else told
    async with aclosing(ticket.places()) as line:
        async for place in line:
            found.append(place)
    return found


def order_of(gate: Gate, running: Ticket, waiting: list[Ticket]) -> str:
    """Who is let in, one after the other, when each answer ends before the next one begins."""
    order = ""
    while waiting:
        running.release()
        running = next(ticket for ticket in waiting if ticket.inside)
        waiting.remove(running)
        order += running.who
    return order


async def test_whoever_finds_room_does_not_wait() -> None:
    gate = Gate(2)
    assert await places(gate.take()) == []
    assert await places(gate.take()) == []
    assert gate.inside == 2


async def test_those_who_wait_hear_their_place_as_it_changes() -> None:
    gate = Gate(1)
    first, second, third = gate.take(), gate.take(), gate.take()
    told: list[int] = []
    hearing = asyncio.gather(places(second), places(third, told))
    await until(lambda: told == [2])
    first.release()
    await until(lambda: told == [2, 1])
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


async def test_a_newcomer_of_the_same_person_does_not_pass_the_line() -> None:
    gate = Gate(2)
    a, b, waiting = gate.take(), gate.take(), gate.take()
    a.release()
    b.release()
    late, later = gate.take(), gate.take()
    assert (waiting.inside, late.inside, later.inside) == (True, True, False)


async def test_people_take_turns_however_many_questions_one_of_them_has() -> None:
    gate = Gate(1)
    running = gate.take("greedy")
    waiting = [gate.take(who) for who in "gggggab"] + [gate.take("a")]
    assert order_of(gate, running, waiting) == "gabgaggg"


async def test_whoever_just_asks_again_does_not_come_before_those_who_waited() -> None:
    gate = Gate(1)
    first = gate.take("a")
    second = gate.take("b")
    first.release()
    again, other = gate.take("a"), gate.take("c")
    second.release()
    assert (again.inside, other.inside) == (False, True)


async def test_not_asking_for_a_while_saves_up_no_turns() -> None:
    gate = Gate(1)
    for _ in range(5):
        gate.take("a").release()
    running = gate.take("a")
    waiting = [gate.take("b"), gate.take("b"), gate.take("b"), gate.take("a")]
    assert order_of(gate, running, waiting) == "bbab"


async def test_questions_that_were_taken_back_cost_no_turn() -> None:
    gate = Gate(1)
    running = gate.take("x")
    for ticket in [gate.take("a") for _ in range(20)]:
        ticket.release()
    waiting = [gate.take("a"), gate.take("b"), gate.take("b")]
    assert order_of(gate, running, waiting) == "abb"


async def test_whoever_has_fewer_answers_running_comes_first() -> None:
    gate = Gate(3)
    long_ones = [gate.take("greedy"), gate.take("greedy")]
    short = gate.take("a")
    greedy, other = gate.take("greedy"), gate.take("b")
    short.release()
    assert (greedy.inside, other.inside) == (False, True)
    assert all(ticket.inside for ticket in long_ones)


async def test_one_alone_may_have_all_places() -> None:
    gate = Gate(4, shared_out=True)
    assert all(gate.take("a").inside for _ in range(4))


async def test_where_others_were_seen_one_has_at_most_half_of_the_places() -> None:
    gate = Gate(4, shared_out=True)
    gate.take("b").release()
    assert [gate.take("a").inside for _ in range(4)] == [True, True, False, False]
    assert gate.take("b").inside


async def test_a_place_that_one_may_not_have_goes_to_the_next_in_line() -> None:
    gate = Gate(2, shared_out=True)
    first, other = gate.take("a"), gate.take("b")
    waiting, behind = gate.take("a"), gate.take("c")
    other.release()
    assert (waiting.inside, behind.inside) == (False, True)
    first.release()
    assert waiting.inside


async def test_a_thousand_people_are_not_remembered_for_ever() -> None:
    gate = Gate(1)
    for number in range(3 * gates.REMEMBERED):
        gate.take(str(number)).release()
    assert len(gate._rounds) <= gates.REMEMBERED + 1


@given(limit=st.integers(1, 3), shared=st.booleans(), moves=st.lists(st.integers(0, 9), max_size=40))
def test_never_more_than_the_limit_are_inside_and_places_count_from_one(
    limit: int, shared: bool, moves: list[int]
) -> None:
    gate = Gate(limit, shared_out=shared)
    tickets: list[Ticket] = []
    for number, move in enumerate(moves):
        if move < 5 or not tickets:
            tickets.append(gate.take(f"person {number % 3}"))
        else:
            tickets.pop(move % len(tickets)).release()
        inside = [ticket for ticket in tickets if ticket.inside]
        waiting = [ticket for ticket in tickets if not ticket.inside]
        assert gate.inside == len(inside) <= limit
        assert shared or not waiting or len(inside) == limit
        assert sorted(ticket.place for ticket in waiting) == list(range(1, len(waiting) + 1))
