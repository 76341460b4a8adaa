"""When an alarm is raised and when it is over: what swings around a limit tells nobody anything."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from apps.monitor import alarms
from apps.monitor.alarms import RULES, Standing, step

DISK = alarms.BY_NAME["disk"]
BEGAN = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
LOOK = timedelta(seconds=30)


def changes(values: Iterable[float | None]) -> list[bool]:
    """What is told when these are the values of looks half a minute apart: True for raised, False for over."""
    standing, told = Standing(), []
    for number, value in enumerate(values):
        after = step(DISK, standing, value, BEGAN + number * LOOK)
        if after.raised != standing.raised:
            told.append(after.raised)
        standing = after
    return told


def test_a_value_above_its_limit_for_long_enough_is_told_once() -> None:
    assert changes([95.0] * 200) == [True]


def test_a_short_peak_is_not_told() -> None:
    assert changes([95.0] * 4 + [10.0] * 50) == []


def test_it_is_over_when_it_stayed_low_for_long_enough() -> None:
    assert changes([95.0] * 10 + [10.0] * 21) == [True, False]


def test_what_swings_around_the_limit_is_told_once() -> None:
    assert changes([95.0] * 10 + [89.0, 91.0] * 200) == [True]
    assert changes([95.0] * 10 + [80.0, 91.0] * 200) == [True]


def test_between_the_limits_an_alarm_stays_as_it_is() -> None:
    assert changes([95.0] * 10 + [87.0] * 200) == [True]
    assert changes([87.0] * 200) == []


def test_a_subject_that_is_gone_for_long_enough_is_over() -> None:
    assert changes([95.0] * 10 + [None] * 21) == [True, False]
    assert changes([None] * 100) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_can_be_told_and_repaired(rule: alarms.Rule) -> None:
    assert rule.low <= rule.high
    assert "{" not in rule.text.format(subject="somewhere", value=1.0)
    assert rule.hint.format(subject="somewhere").endswith(".")


def test_another_limit_keeps_the_distance_to_the_lower_one() -> None:
    assert alarms.BY_NAME["cpu"].limited(60).low == pytest.approx(50)
