"""Counting in Redis: exactly so often in any stretch of time, also when everybody comes at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core import memory, windows
from apps.core.windows import Rate


def test_a_rate_is_read() -> None:
    assert Rate.parse("60/minute") == Rate(60, 60)
    assert Rate.parse("5/day").times(10) == Rate(50, 86_400)


@pytest.mark.parametrize("text", ["", "60", "0/minute", "60/fortnight", "-1/second", "60/minute "])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text or "^$"):
        Rate.parse(text)


def test_so_many_are_let_through_and_no_more() -> None:
    waits = [windows.admit({"alice": Rate(3, 60)}) for _ in range(5)]
    assert waits[:3] == [0, 0, 0]
    assert all(59 < wait <= 60 for wait in waits[3:])


def test_a_place_is_free_again_when_the_oldest_is_old_enough() -> None:
    rate = Rate(2, 1)
    while not (wait := windows.admit({"alice": rate})):
        pass
    time.sleep(wait)
    assert windows.admit({"alice": rate}) == 0


def test_names_do_not_disturb_each_other() -> None:
    assert [windows.admit({name: Rate(1, 60)}) for name in ("alice", "bob", "alice")][:2] == [0, 0]


def test_what_one_limit_refuses_no_other_counts() -> None:
    narrow, wide = {"alice": Rate(1, 60)}, {"house": Rate(2, 60)}
    for _ in range(5):
        windows.admit(narrow | wide)
    assert windows.admit(wide) == 0
    assert windows.admit(wide) > 0


def test_of_many_at_once_the_right_number_comes_through() -> None:
    with ThreadPoolExecutor(16) as threads:
        waits = list(threads.map(lambda _: windows.admit({"alice": Rate(10, 60)}), range(200)))
    assert waits.count(0) == 10


def test_a_lower_limit_holds_at_once() -> None:
    for _ in range(5):
        windows.admit({"alice": Rate(10, 60)})
    assert windows.admit({"alice": Rate(3, 60)}) > 0


def test_counters_go_away_by_themselves() -> None:
    windows.admit({"alice": Rate(10, 60)})
    assert 59_000 < memory.ask(lambda redis: redis.pttl(f"{windows.PREFIX}alice")) <= 60_000


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(0, 80))
def test_any_limit_lets_exactly_its_number_through(limit: int, asked: int) -> None:
    memory.ask(lambda redis: redis.delete(f"{windows.PREFIX}any"))
    waits = [windows.admit({"any": Rate(limit, 60)}) for _ in range(asked)]
    assert waits.count(0) == min(limit, asked)
