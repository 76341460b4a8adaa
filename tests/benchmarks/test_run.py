"""Taking samples: in turns, after a warm-up, within bounds, and kept when somebody presses Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from benchmarks.gains.registry import NAMES, Unknown, scenario
from benchmarks.gains.result import Left, Outcome
from benchmarks.gains.run import Run, shortened
from benchmarks.gains.scenario import Pair, Probe, Scenario, Skipped
from benchmarks.gains.stage import Stage


@dataclass
class Play:
    """A scenario without any program: writes down whose turn it is. `at` does something before a sample."""

    order: list[str] = field(default_factory=list)
    at: Callable[[int], None] = lambda number: None

    def probe(self, name: str, value: float) -> Probe:
        def sample() -> float:
            self.at(len(self.order))
            self.order.append(name)
            return value

        return Probe(sample, lambda: {"side": name})

    def scenario(self, name: str = "play", pairs: int = 4) -> Scenario:
        pair = Pair(self.probe("a", 2.0), self.probe("b", 1.0))
        return Scenario(name, "A play", "Nothing.", "off", "on", "ms", lambda stage: pair, pairs=pairs, warm_up=1)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as one:
        yield one


def test_both_sides_are_taken_in_turns_whose_order_alternates(stage: Stage) -> None:
    play = Play()
    Run(stage).over([play.scenario()])
    assert "".join(play.order) == "ab" + "abbaabba"


def test_the_warm_up_counts_for_nothing(stage: Stage) -> None:
    values = iter([100.0, 3.0, 3.0, 3.0, 3.0])
    pair = Pair(Probe(lambda: next(values)), Probe(lambda: 1.0))
    run = Run(stage)
    run.over([replace(Play().scenario(), open=lambda stage: pair)])
    (found,) = run.outcomes
    assert isinstance(found, Outcome)
    assert found.baseline.samples == (3.0, 3.0, 3.0, 3.0)
    assert found.gain.median == 3.0


class Clock:
    """A clock that stands still, except where a sample takes time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def taking(self, seconds: float) -> Play:
        """A play of which each sample takes as long."""

        def later(number: int) -> None:
            self.now += seconds

        return Play(at=later)


def test_a_scenario_ends_with_its_time_but_not_before_three_pairs(stage: Stage) -> None:
    clock = Clock()
    run = Run(stage, clock=clock)
    run.over([clock.taking(10).scenario(pairs=10), Play().scenario()])
    found = run.outcomes[0]
    assert isinstance(found, Outcome)
    assert (len(found.baseline.samples), found.complete) == (3, False)


def test_a_scenario_without_three_pairs_makes_room_and_says_so(stage: Stage) -> None:
    clock = Clock()
    run = Run(stage, clock=clock)
    run.over([clock.taking(50).scenario("slow"), Play().scenario()])
    slow, other = run.outcomes
    assert isinstance(slow, Left)
    assert "nitro bench --only slow" in slow.reason
    assert isinstance(other, Outcome)


def test_a_scenario_that_is_measured_alone_may_take_all_of_the_time(stage: Stage) -> None:
    clock = Clock()
    run = Run(stage, clock=clock)
    run.over([clock.taking(50).scenario("slow")])
    assert isinstance(run.outcomes[0], Outcome)


def test_a_run_says_what_its_bound_left_out(stage: Stage) -> None:
    clock = Clock()
    run = Run(stage, clock=clock)
    run.over([clock.taking(15).scenario(str(number)) for number in range(20)])
    last = run.outcomes[-1]
    assert isinstance(last, Left)
    assert "13 minutes" in last.reason
    assert "--only 19" in last.reason
    assert clock.now <= 15 * 60


def test_a_scenario_that_cannot_be_measured_here_says_why(stage: Stage) -> None:
    def nowhere(stage: Stage) -> Pair:
        raise Skipped("There is no Ollama here.")

    run = Run(stage)
    run.over([replace(Play().scenario(), open=nowhere), Play().scenario()])
    assert [type(one) for one in run.outcomes] == [Left, Outcome]
    assert run.outcomes[0].as_json()["skipped"] == "There is no Ollama here."


def test_a_scenario_that_fails_ends_no_other(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(stage: Stage) -> Pair:
        raise KeyError("seat")

    run = Run(stage)
    run.over([replace(Play().scenario(), open=broken), Play().scenario()])
    assert "KeyError" in run.outcomes[0].as_json()["skipped"]
    assert isinstance(run.outcomes[1], Outcome)
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_keeps_whole_pairs_and_ends_the_run(stage: Stage) -> None:
    def pressed(number: int) -> None:
        if number == 7:
            raise KeyboardInterrupt

    run = Run(stage)
    run.over([Play(at=pressed).scenario(), Play().scenario("never")])
    (found,) = run.outcomes
    assert isinstance(found, Outcome)
    assert (run.interrupted, found.complete) == (True, False)
    assert found.baseline.samples == (2.0, 2.0)


def test_what_a_scenario_put_up_is_taken_down_before_the_next(stage: Stage) -> None:
    told: list[str] = []

    class Thing:
        def __enter__(self) -> None:
            told.append("up")

        def __exit__(self, *_: object) -> None:
            told.append("down")

    def opening(stage: Stage) -> Pair:
        stage.enter(Thing())
        return Pair(Probe(lambda: 1.0), Probe(lambda: 1.0))

    one = replace(Play().scenario(), open=opening)
    Run(stage).over([one, one])
    assert told == ["up", "down", "up", "down"]


def test_the_proof_of_both_sides_is_in_the_report(stage: Stage) -> None:
    run = Run(stage)
    run.over([Play().scenario()])
    shown = run.outcomes[0].as_json()
    assert (shown["baseline"]["proof"], shown["optimised"]["proof"]) == ({"side": "a"}, {"side": "b"})


def test_a_quick_run_takes_three_pairs() -> None:
    (one,) = shortened([replace(Play().scenario(pairs=50), warm_up=9, seconds=60)])
    assert (one.pairs, one.warm_up, one.seconds) == (3, 1, 10.0)


@pytest.mark.parametrize("name", NAMES)
def test_every_registered_scenario_has_its_name_and_says_what_it_switches(name: str) -> None:
    one = scenario(name)
    assert one.name == name
    assert one.switched.endswith(".")
    assert one.title
    assert one.baseline != one.optimised


def test_a_wrong_name_is_answered_with_where_to_look() -> None:
    with pytest.raises(Unknown, match="nitro bench --list"):
        scenario("warp-drive")
