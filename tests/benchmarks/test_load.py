"""The simulated people: what they hear is counted rightly, and a bound sends them home."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import pytest

from benchmarks.gains.page import page
from benchmarks.gains.stage import Stage
from benchmarks.gains.tables import report
from benchmarks.household import Seat
from benchmarks.load.crowd import arrivals, watched
from benchmarks.load.figures import Step, bound_passed, summary
from benchmarks.load.heard import Heard, accepted, heard, last_seq, together
from benchmarks.load.person import Person, World
from benchmarks.load.processes import Watch
from benchmarks.load.profiles import PROFILES, SHORT, Bounds, Habits, NoProfile, Plan, profile
from benchmarks.load.run import Load
from benchmarks.load.show import notes
from benchmarks.wire import Turn
from tests.benchmarks.entries import run

NEVER = float("inf")


def frames(*texts: str, reason: str = "stop", seqs: tuple[int, ...] = ()) -> list[tuple[float, bytes]]:
    """A turn `x` of these deltas, a second apart; the seqs count from 1 where none are given."""
    numbers = seqs or tuple(range(1, len(texts) + 1))
    told: list[dict[str, Any]] = [{"type": "accepted", "turn": "x"}]
    told += [{"type": "delta", "turn": "x", "seq": n, "text": text} for n, text in zip(numbers, texts, strict=True)]
    told += [{"type": "done", "turn": "x", "finish_reason": reason, "usage": {"completion_tokens": len(texts)}}]
    return [(float(second), orjson.dumps(frame)) for second, frame in enumerate(told)]


def step(*turns: Heard, stopped: str = "", **changes: Any) -> Step:
    rows = [
        {"name": "web-1", "nitro": True, "pss_mb": 1500.0, "cores": 0.25},
        {"name": "people", "nitro": False, "pss_mb": 90.0, "cores": 0.5},
    ]
    return Step(replace(PROFILES["laptop"], **changes), 10, "stand-in", 20.0, stopped, 12, turns, rows)


# --- what one person hears -------------------------------------------------------------------------------------------


def test_a_whole_answer_has_a_first_word_and_gaps() -> None:
    turn = heard(0.5, frames("t00001 ", "t00002 t00003 "), "x", 3)
    assert (turn.first, turn.gaps, turn.lost, turn.doubled, turn.error) == (0.5, (1.0,), 0, 0, "")


def test_a_lost_token_is_counted_at_the_end_too() -> None:
    assert heard(0, frames("t00001 ", "t00003 "), "x", 4).lost == 2


def test_a_doubled_token_is_counted() -> None:
    assert heard(0, frames("t00001 ", "t00001 t00002 "), "x", 2).doubled == 1


def test_a_stopped_answer_owes_nothing_after_its_last_word() -> None:
    turn = heard(0, frames("t00001 ", "t00002 ", reason="stopped"), "x", 100, "stop")
    assert (turn.lost, turn.error) == (0, "")
    assert heard(0, frames("t00001 ", "t00003 ", reason="stopped"), "x", 100, "stop").lost == 1


def test_an_answer_that_was_stopped_without_a_wish_has_failed() -> None:
    assert heard(0, frames("t00001 ", reason="stopped"), "x", 100).error == "stopped"


def test_an_answer_without_an_end_has_failed() -> None:
    assert heard(0, frames("t00001 ")[:-1], "x", 1).error == "no end"


def test_a_refusal_is_told_by_its_code() -> None:
    refused = [(1.0, orjson.dumps({"type": "error", "code": "too_many", "message": "Wait."}))]
    assert heard(0, refused, "", 1).error == "too_many"


def test_words_without_numbers_are_counted_by_their_frames() -> None:
    turn = heard(0, frames("The ", "sea", "sea", seqs=(1, 3, 3)), "x", None)
    assert (turn.lost, turn.doubled) == (1, 1)


def test_what_came_over_two_sockets_is_one_answer() -> None:
    both = frames("t00001 ", "t00002 ", "t00003 ")
    assert last_seq(both[:2], "x") == 1
    assert accepted(both) == "x"
    assert heard(0, [*both[:2], *both[2:]], "x", 3).lost == 0
    assert heard(0, [*both[:3], *both[2:]], "x", 3).doubled == 1


def test_faults_of_a_second_tab_are_not_forgotten() -> None:
    view = together([Heard(0.1), Heard(2.0, lost=3, error="no end")])
    assert (view.first, view.lost, view.error) == (0.1, 3, "no end")


# --- who they are ----------------------------------------------------------------------------------------------------


def test_people_do_all_that_people_do() -> None:
    dice = random.Random(1)
    plans = [Habits().plan(dice, 20.0) for _ in range(2000)]
    acts = Counter(plan.act for plan in plans)
    assert set(acts) == {"read", "stop", "reload", "second tab"}
    assert 60 < acts["reload"] < 180
    assert {plan.tokens for plan in plans} == set(Habits().lengths)
    assert all(plan.pause >= 0 for plan in plans)


def test_a_number_is_a_profile_of_so_many_people() -> None:
    assert profile("30", seconds=5.0).people == (30,)
    assert profile("server").people == (50, 100)


@pytest.mark.parametrize("word", ["mainframe", "0", "-3", "5001", "1e3", "٣"])
def test_nobody_else_is_known(word: str) -> None:
    with pytest.raises(NoProfile, match="laptop, server, cloud or a number"):
        profile(word)


@pytest.mark.parametrize("seconds", [-1.0, 1e9, float("nan")])
def test_time_is_something_between_nothing_and_a_day(seconds: float) -> None:
    with pytest.raises(NoProfile, match="--load-seconds"):
        profile("5", seconds=seconds)


# --- when they go home -----------------------------------------------------------------------------------------------

BOUNDS = Bounds(errors=0.1, first=2.0)


def test_few_turns_are_not_judged() -> None:
    assert bound_passed([Heard(NEVER, error="timed out")] * 9, [99.0] * 9, BOUNDS) == ""


def test_failed_turns_send_everybody_home() -> None:
    turns = [Heard(0.1)] * 18 + [Heard(NEVER, error="timed out")] * 2
    assert bound_passed(turns, [], BOUNDS) == ""
    assert "15% of the latest 20 turns failed" in bound_passed([*turns[1:], turns[-1]], [], BOUNDS)


def test_late_first_words_do() -> None:
    assert "after 2.5 s" in bound_passed([Heard(0.1)] * 18 + [Heard(2.5)] * 2, [], BOUNDS)


def test_those_who_were_never_answered_count_too() -> None:
    assert "after 7.0 s" in bound_passed([Heard(0.1)] * 9, [7.0, 7.0], BOUNDS)
    assert bound_passed([Heard(0.1)] * 9, [1.9, 1.9], BOUNDS) == ""


def test_what_is_long_ago_is_forgiven() -> None:
    assert bound_passed([Heard(9.0)] * 100 + [Heard(0.1)] * 50, [], BOUNDS) == ""


# --- what is told of them --------------------------------------------------------------------------------------------


def test_a_summary_counts_nitro_alone() -> None:
    told = summary(step(Heard(0.1, tokens=40), Heard(0.3, act="reload", lost=1), Heard(NEVER, error="timed out")))
    assert (told["turns"], told["errors"], told["lost"], told["reloads"]) == (3, 1, 1, 1)
    assert (told["memory_mb"], told["cores"]) == (1500.0, 0.25)
    assert told["tokens_per_second"] == 2.0
    assert told["within"] == {"first": True, "memory": True}


def test_a_broken_bound_of_the_guide_is_said() -> None:
    told = summary(step(Heard(5.0), memory=1000.0))
    assert told["within"] == {"first": False, "memory": False}
    assert any("not kept: the first word was later and more memory was used" in note for note in notes([told]))


def test_nobody_heard_anything_is_no_success() -> None:
    told = summary(step(Heard(NEVER, error="timed out")))
    assert told["first_ms"] == {}
    assert told["within"]["first"] is False


def test_the_report_shows_people_and_where_they_were_sent_home() -> None:
    shown = run() | {"load": [summary(step(Heard(0.1), stopped="Stopped after 7 s: enough."))]}
    text = report(shown)
    assert "10 people: Stopped after 7 s: enough." in text
    assert "100 / 100 ms" in text
    assert "Baseline" not in text


def test_the_page_shows_them_too() -> None:
    shown = run() | {"load": [summary(step(Heard(0.1), stopped="Stopped after 7 s: <enough>."))]}
    assert "10 people: Stopped after 7 s: &lt;enough&gt;." in page(shown)


# --- one person, and all of them -------------------------------------------------------------------------------------


@pytest.fixture
async def nowhere() -> AsyncIterator[World]:
    """A world in which no server answers."""
    async with aiohttp.ClientSession() as http:
        yield World(9, http, Habits(), 20.0, str)


async def test_a_server_that_is_away_is_an_error_and_no_end(nowhere: World) -> None:
    person = Person(nowhere, 1, Seat("cookie=1", "x"), "key")
    turn = await person.turn(Plan(20, "read", 0.0, goes_on=True))
    assert turn.error == "ClientConnectorError"
    assert not nowhere.asking
    await person.begin_anew()
    assert nowhere.heard[-1].error == "ClientConnectorError"


async def test_who_reads_a_long_answer_does_not_wait_for_its_first_word(nowhere: World) -> None:
    unheard, reading = Turn(1.0, frames()[:1]), Turn(1.0, frames("t00001 ")[:2])
    nowhere.asking |= {1: unheard, 2: reading}
    assert nowhere.waiting(8.0) == [7.0]


async def test_a_bound_ends_the_step_with_a_sentence(nowhere: World) -> None:
    nowhere.heard += [Heard(NEVER, error="timed out")] * 20
    begun = Watch.begin({"people": os.getpid()})
    stopped = await watched(nowhere, begun, replace(SHORT, seconds=60.0), told=lambda seconds, world: None)
    assert stopped.startswith("Stopped after 1 s: 100% of the latest 20 turns failed")


async def test_a_step_without_faults_lasts_as_long_as_it_should(nowhere: World) -> None:
    told: list[float] = []
    begun = Watch.begin({"people": os.getpid()})
    profile = replace(SHORT, seconds=0.3)
    assert await watched(nowhere, begun, profile, told=lambda seconds, world: told.append(seconds)) == ""
    assert told[-1] >= 0.3


def test_people_come_one_after_the_other_but_soon() -> None:
    assert arrivals(4) == [0.0, 0.25, 0.5, 0.75]
    assert arrivals(1000)[-1] < 50.0


def test_processes_are_measured_with_their_children() -> None:
    child = subprocess.Popen([sys.executable, "-c", "b = b'x' * 30_000_000; print(sum(b), flush=True); input()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    try:
        watch = Watch.begin({"part": child.pid, "gone": 2**22 + 1})
        assert child.stdout is not None
        child.stdout.readline()
        watch.again()
        (row,) = watch.told(1.0)
    finally:
        child.communicate(b"\n")
    assert row["name"] == "part"
    assert float(str(row["pss_mb"])) > 25
    assert float(str(row["cores"])) > 0


def test_a_fault_of_the_people_costs_nothing_that_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Stage):
        def model(self, *words: str) -> int:
            raise AssertionError("no stand-in")

    entries: list[dict[str, Any]] = []
    Load(Broken(), SHORT).whatever_comes(entries)
    assert entries == []
    assert "what was measured before them is kept" in capsys.readouterr().err


@pytest.mark.slow
def test_real_people_lose_no_word_whatever_they_do() -> None:
    habits = replace(
        SHORT.habits, lengths=(30,), shares=(1.0,), thinking=0.1, stops=0.25, reloads=0.25, second_tabs=0.25
    )
    crowd = replace(SHORT, people=(6,), seconds=12.0, habits=habits, bounds=Bounds(errors=1.0, first=60.0))
    entries: list[dict[str, Any]] = []
    with Stage() as stage:
        Load(stage, crowd).into(entries)
    (told,) = entries
    assert (told["errors"], told["lost"], told["doubled"]) == (0, 0, 0), told
    assert min(told["stops"], told["reloads"], told["second_tabs"]) > 0
    assert {row["name"] for row in told["processes"]} >= {"postgres", "redis", "stand-in", "people"}
