"""Takes the samples of scenarios, both sides in turns, so that whatever drifts meets both alike."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.gains.figures import Side, gain
from benchmarks.gains.result import Left, Outcome
from benchmarks.gains.scenario import Pair, Scenario, Skipped
from benchmarks.gains.stage import Stage

LEAST = 3  # pairs, where time allows no more
BOUND = 13 * 60.0  # seconds of a run; what is going on then may end, so that all of it takes at most 15 minutes
LATE = "Left out: the {minutes:.0f} minutes of a run were over; measure it alone with `nitro bench --only {name}`."
SLOW = (
    "It was too slow here, with {pairs} of 3 pairs in {seconds:.0f} s; measure it alone: `nitro bench --only {name}`."
)
LONGEST = 120.0  # seconds of a scenario that does not get its three pairs; then it makes room for the others
Told = Callable[[Scenario, int], None]


@dataclass
class Taken:
    """The samples of one scenario so far."""

    scenario: Scenario
    baseline: list[float] = field(default_factory=list)
    optimised: list[float] = field(default_factory=list)

    @property
    def pairs(self) -> int:
        """How many of them are whole."""
        return min(len(self.baseline), len(self.optimised))

    def outcome(self, pair: Pair | None) -> Outcome:
        """What they say; of a pair of which only one side was taken nothing counts."""
        whole = self.pairs
        old, new = tuple(self.baseline[:whole]), tuple(self.optimised[:whole])
        one = self.scenario
        return Outcome(
            one,
            Side(one.baseline, old),
            Side(one.optimised, new),
            gain(old, new, one.better),
            (pair.baseline.proof(), pair.optimised.proof()) if pair else ({}, {}),
            complete=whole >= one.pairs,
        )


@dataclass
class Run:
    """A run over scenarios. `told` hears of each pair; `outcomes` holds what is known so far, also after Ctrl-C."""

    stage: Stage
    bound: float = BOUND
    told: Told = lambda scenario, pairs: None
    clock: Callable[[], float] = time.monotonic
    outcomes: list[Outcome | Left] = field(default_factory=list)
    interrupted: bool = False

    def over(self, scenarios: Sequence[Scenario]) -> None:
        """Measure them in order, until the bound; Ctrl-C ends the run and keeps what was measured."""
        deadline = self.clock() + self.bound
        try:
            for one in scenarios:
                longest = LONGEST if len(scenarios) > 1 else self.bound
                self.outcomes.append(self.measured(one, deadline, longest))
        except KeyboardInterrupt:
            self.interrupted = True

    def measured(self, one: Scenario, deadline: float, longest: float = LONGEST) -> Outcome | Left:
        """One scenario; a fault of it is told and ends nothing else."""
        began = self.clock()
        if began >= deadline:
            return Left(one, LATE.format(minutes=self.bound / 60, name=one.name))
        taken = Taken(one)
        self.told(one, 0)
        try:
            pair = one.open(self.stage)
            last = min(deadline, began + longest)
            self.sample(taken, pair, min(last, began + one.seconds), last)
            if taken.pairs < LEAST:
                return Left(one, SLOW.format(pairs=taken.pairs, seconds=self.clock() - began, name=one.name))
            return taken.outcome(pair)
        except Skipped as reason:
            return Left(one, str(reason))
        except Exception as error:  # noqa: BLE001 (a run of minutes shall not end because of one scenario)
            traceback.print_exc()
            return Left(one, f"It failed: {type(error).__name__}: {error}".strip(": "))
        except KeyboardInterrupt:
            self.outcomes += [taken.outcome(None)] if taken.pairs else []
            raise
        finally:
            self.stage.clear()

    def sample(self, taken: Taken, pair: Pair, wanted: float, last: float) -> None:
        """Warm up, then take pairs: A B, B A, A B, … until there are enough, or too few for too long."""
        one = taken.scenario
        for _ in range(one.warm_up):
            if self.clock() < last:
                pair.baseline.sample()
                pair.optimised.sample()
        for number in range(one.pairs):
            if self.clock() >= (wanted if number >= LEAST else last):
                return
            sides = [(taken.baseline, pair.baseline), (taken.optimised, pair.optimised)]
            for samples, probe in sides if number % 2 == 0 else sides[::-1]:
                samples.append(probe.sample())
            self.told(one, number + 1)


def shortened(scenarios: Sequence[Scenario]) -> Iterator[Scenario]:
    """The same scenarios with as few samples as say anything: to try them out, not to believe them."""
    for one in scenarios:
        yield replace(one, pairs=min(one.pairs, 3), warm_up=min(one.warm_up, 1), seconds=min(one.seconds, 10.0))
