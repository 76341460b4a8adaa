"""When something is an alarm, and when it is over. Pure: values and times in, decisions out.

A rule has two limits and two times. A value has to stay above the upper one for a while to raise the alarm, and below
the lower one for a while to end it: what swings around a limit changes nothing, and nobody is told twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """`text` is what is said of it, with the subject and the value; `hint` how to repair it."""

    name: str
    high: float
    low: float
    raise_after: timedelta
    clear_after: timedelta
    text: str
    hint: str

    def limited(self, high: float) -> Rule:
        """The same with another upper limit, the lower one as far below it as before."""
        return replace(self, high=high, low=high * self.low / self.high)


RULES: tuple[Rule, ...] = (
    Rule(
        "cpu",
        90,
        75,
        10 * MINUTE,
        10 * MINUTE,
        "The processor of {subject} is {value:.0f} % busy.",
        "See the slowest pages on /performance/, or give Nitro more cores or machines.",
    ),
    Rule(
        "memory",
        92,
        85,
        5 * MINUTE,
        10 * MINUTE,
        "{value:.0f} % of the memory of {subject} is in use.",
        "Choose a smaller model (`nitro tune` recommends one), or add memory.",
    ),
    Rule(
        "disk",
        90,
        85,
        2 * MINUTE,
        10 * MINUTE,
        "The disk with the data of {subject} is {value:.0f} % full.",
        "Free some space; `nitro cleanup --dry-run` says what Nitro could let go.",
    ),
    Rule(
        "provider",
        1,
        1,
        2 * MINUTE,
        5 * MINUTE,
        "The model server {subject} fails.",
        "`nitro doctor` says what is wrong with it.",
    ),
    Rule(
        "answers",
        20,
        10,
        5 * MINUTE,
        10 * MINUTE,
        "{value:.0f} % of the answers of the last minutes failed.",
        "`nitro doctor` names the server that fails; the log has the reasons.",
    ),
    Rule(
        "worker",
        120,
        60,
        2 * MINUTE,
        MINUTE,
        "The worker has given no sign of life for {value:.0f} s.",
        "Look at the log of `worker` and of `beat`; starting them again is harmless.",
    ),
    Rule(
        "queue",
        300,
        60,
        MINUTE,
        5 * MINUTE,
        "Work has waited in the queue {subject} for {value:.0f} s, and nobody takes it.",
        "Start a worker for that queue: `nitro worker --queues {subject}`.",
    ),
    Rule(
        "redis",
        1,
        1,
        MINUTE,
        2 * MINUTE,
        "Redis does not answer.",
        "Chat goes on without it, uncached; `nitro doctor` says how to get it back.",
    ),
)
BY_NAME: Mapping[str, Rule] = {rule.name: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an alarm is raised, and since when the value has spoken against that; None while it does not."""

    raised: bool = False
    against_since: datetime | None = None


def step(rule: Rule, standing: Standing, value: float | None, now: datetime) -> Standing:
    """How it stands after this look. Without a value nothing is known of the subject any more: that speaks for calm."""
    quiet = value is None or value < rule.low
    loud = value is not None and value >= rule.high
    if not (quiet if standing.raised else loud):
        return Standing(standing.raised)
    since = standing.against_since or now
    wait = rule.clear_after if standing.raised else rule.raise_after
    return Standing(not standing.raised) if now - since >= wait else Standing(standing.raised, since)
