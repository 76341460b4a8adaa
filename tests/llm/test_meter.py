"""How a download looks in a terminal, and in a log."""

from __future__ import annotations

import pytest

from apps.llm.meter import WINDOW, Meter, duration
from apps.llm.services import Progress

GB = 10**9


def meter(*seen: tuple[float, int]) -> Meter:
    made = Meter("phi3")
    for when, completed in seen:
        made.take(Progress("pulling", completed, 2 * GB), when)
    return made


def test_the_bar_shows_share_size_rate_and_remaining_time() -> None:
    line = meter((0, 0), (10, GB // 2)).bar(Progress("pulling", GB // 2, 2 * GB), 120)
    assert line == "phi3  [######------------------]  25 %  500 MB of 2.0 GB  50 MB/s  30 s left"


def test_without_a_size_the_step_is_shown() -> None:
    assert meter().bar(Progress("pulling manifest"), 80) == "phi3  pulling manifest"


def test_of_an_address_only_the_file_is_named() -> None:
    assert Meter("https://example.com/a/b/model.gguf").name == "model.gguf"


def test_when_all_has_come_the_step_is_shown() -> None:
    assert meter().bar(Progress("verifying", 2 * GB, 2 * GB), 120).endswith("100 %  2.0 GB of 2.0 GB  verifying")


def test_no_line_is_longer_than_the_terminal() -> None:
    assert len(meter((0, 0), (1, GB)).bar(Progress("pulling", GB, 2 * GB), 40)) == 39


def test_nothing_is_said_of_a_rate_that_is_not_known_yet() -> None:
    assert "left" not in meter((0, 5)).bar(Progress("pulling", 5, 2 * GB), 120)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    made = meter((0, 0), (100, GB), (105, GB + 5_000_000), (100 + WINDOW + 1, GB + 11_000_000))
    assert made.rate == pytest.approx(1_000_000)


def test_a_download_that_goes_on_has_not_come_at_once() -> None:
    assert meter((0, GB), (1, GB + 1000)).rate == 1000


def test_a_rate_is_never_negative() -> None:
    assert meter((0, GB), (1, 0), (1, 0)).rate == 0


def test_a_log_gets_a_line_for_every_tenth() -> None:
    made = Meter("phi3")
    steps = [Progress("pulling manifest"), *(Progress("pulling aa", n, 100) for n in range(101)), Progress("success")]
    lines = [line for step in steps if (line := made.news(step))]
    assert lines[:3] == ["phi3  pulling manifest", "phi3  0 %", "phi3  10 %"]
    assert lines[-2:] == ["phi3  pulling aa", "phi3  success"]
    assert len(lines) == 13


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (100, "1 min 40 s"), (3599.6, "1 h 0 min"), (7500, "2 h 5 min")]
)
def test_times_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
