"""The arithmetic of `nitro bench`: a wrong median there would be a wrong claim everywhere."""

from __future__ import annotations

import random
from statistics import median

import pytest

from benchmarks.gains.figures import Side, gain, rank


def test_an_outlier_is_shown_and_does_not_move_the_middle() -> None:
    side = Side("off", (1.0, 1.1, 0.9, 1.0, 50.0))
    assert (side.median, side.low, side.high, side.p95) == (1.0, 0.9, 50.0, 50.0)


def test_half_the_time_is_twice_as_good() -> None:
    assert gain([2.0, 4.0, 6.0], [1.0, 2.0, 3.0], "less").median == 2.0


def test_twice_as_many_are_twice_as_good_where_more_is_better() -> None:
    assert gain([2.0, 4.0, 6.0], [4.0, 8.0, 12.0], "more").median == 2.0


def test_drift_that_meets_both_sides_alike_changes_no_gain() -> None:
    drift = [1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    found = gain([3 * x for x in drift], drift, "less")
    assert (found.low, found.median, found.high) == (3.0, 3.0, 3.0)


def test_what_takes_no_time_at_all_is_still_a_number() -> None:
    assert gain([0.0], [0.0], "less").median == 1.0
    assert gain([1.0], [0.0], "less").median > 1000


def test_equal_sides_are_no_gain() -> None:
    found = gain([1.0, 1.2, 0.8, 1.1], [1.1, 1.0, 0.9, 1.0], "less")
    assert found.low < 1 < found.high


def test_a_difference_without_doubt_is_seen() -> None:
    assert gain([2.0, 2.2, 2.1], [1.0, 1.2, 1.1], "less").low > 1


@pytest.mark.parametrize(("count", "left"), [(3, 0), (5, 0), (6, 0), (9, 1), (12, 2), (20, 5)])
def test_the_range_holds_the_median_by_the_order_of_the_pairs(count: int, left: int) -> None:
    assert rank(count) == left


def test_the_range_holds_the_true_median_nineteen_times_of_twenty() -> None:
    dice = random.Random(3)
    hits = 0
    for _ in range(1000):
        pairs = [dice.lognormvariate(0.0, 0.5) for _ in range(12)]
        found = gain(pairs, [1.0] * 12, "less")
        hits += found.low <= 1.0 <= found.high
    assert hits >= 940


def test_the_gain_is_the_median_of_the_pairs_and_not_the_ratio_of_the_medians() -> None:
    old, new = [2.0, 10.0, 9.0], [1.0, 9.0, 3.0]
    assert gain(old, new, "less").median == pytest.approx(2.0)
    assert median(old) / median(new) == pytest.approx(3.0)
