"""How many people there are, how they behave, and where a run is ended. Values alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """A step ends before its time when the share of failed turns or the 95th percentile of first words is above."""

    errors: float = 0.05
    first: float = 3.0  # seconds


@dataclass(frozen=True, slots=True)
class Plan:
    """One person's turn. `tokens` is the length of the answer, `pause` the seconds of reading and thinking after it."""

    tokens: int
    act: str  # "read", "stop", "reload" or "second tab"
    pause: float
    goes_on: bool  # whether the next question belongs to the same conversation


@dataclass(frozen=True, slots=True)
class Habits:
    """Answers of these lengths come in these shares; people read them, think for a while, and go on or begin anew."""

    lengths: Sequence[int] = (20, 60, 120, 300)
    shares: Sequence[float] = (0.3, 0.35, 0.25, 0.1)
    reading: float = 8.0  # tokens a second
    thinking: float = 6.0  # seconds, on average
    stops: float = 0.06
    reloads: float = 0.06
    second_tabs: float = 0.06
    goes_on: float = 0.7  # so that a conversation has 3.3 turns on average

    def plan(self, dice: random.Random, rate: float) -> Plan:
        """The next turn of somebody, with a model that writes `rate` tokens a second."""
        (tokens,) = dice.choices(self.lengths, self.shares)
        luck, act = dice.random(), "read"
        for name, share in (("stop", self.stops), ("reload", self.reloads), ("second tab", self.second_tabs)):
            if 0 <= luck < share:
                act = name
            luck -= share
        unread = max(0.0, tokens / self.reading - tokens / rate) if rate else tokens / self.reading
        pause = unread + min(dice.expovariate(1 / self.thinking), 4 * self.thinking)
        return Plan(tokens, act, pause, dice.random() < self.goes_on)


@dataclass(frozen=True, slots=True)
class Profile:
    """A run: one step for each number of people. `memory` is what the guide allows, in MB; 0 where it says nothing."""

    name: str
    people: Sequence[int]
    seconds: float = 60.0
    bounds: Bounds = Bounds()
    memory: float = 0.0
    workers: int = 2
    habits: Habits = Habits()
    guide: str = ""


PROFILES = {
    "laptop": Profile(
        "laptop", (5, 10), bounds=Bounds(first=3.0), memory=2000, guide="5–10 people, chat < 3 s, memory < 2 GB"
    ),
    "server": Profile(
        "server", (50, 100), bounds=Bounds(first=2.0), memory=4000, guide="50–100 people, chat < 2 s, memory < 4 GB"
    ),
    "cloud": Profile(
        "cloud", (500, 1000), bounds=Bounds(first=1.0), memory=8000, guide="500–1,000 people, chat < 1 s, memory < 8 GB"
    ),
}
SHORT = replace(
    PROFILES["laptop"],
    name="short",
    people=(10,),
    seconds=20.0,
    habits=Habits(lengths=(20, 40), shares=(0.6, 0.4), thinking=2.0),
)


class NoProfile(ValueError):
    """What was asked for is neither a profile nor a number of people."""


def profile(word: str, *, seconds: float = 0.0) -> Profile:
    """The profile of this name, or one step of so many people; `seconds` for each step, 0 for the profile's own."""
    found = PROFILES.get(word)
    if found is None:
        if not (word.isascii() and word.isdigit() and 1 <= int(word) <= 5000):
            raise NoProfile(f"--load takes {', '.join(PROFILES)} or a number of people from 1 to 5000, not {word!r}.")
        found = Profile(word, (int(word),))
    if not 0 <= seconds <= DAY:
        raise NoProfile(f"--load-seconds takes seconds up to a day, not {seconds:g}; 0 is the profile's own time.")
    return replace(found, seconds=seconds) if seconds else found
