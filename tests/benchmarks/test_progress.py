"""The bar on a terminal, and the small readers that scenarios share."""

from __future__ import annotations

import io

import pytest

from benchmarks.gains.progress import Progress
from benchmarks.gains.talking import has_word
from tests.benchmarks.entries import scenario


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_moves_by_scenarios_and_by_their_pairs() -> None:
    stream, both = Terminal(), [scenario("first"), scenario("second")]
    told = Progress(both, stream)
    told(both[1], 6)
    shown = stream.getvalue()
    assert "2/2 second, pair 6/12" in shown
    assert shown.count("#") == 22
    assert shown.count("-") == 8


def test_where_no_terminal_is_nothing_is_drawn() -> None:
    stream, one = io.StringIO(), scenario("first")
    told = Progress([one], stream)
    told(one, 1)
    told.end()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (b'{"delta":{"role":"assistant","content":""}}', False),
        (b'{"delta":{"role":"assistant","content":""}}\n{"delta":{"content":"t', True),
        (b'{"delta":{"content":"', False),
        (b"", False),
    ],
)
def test_the_first_word_is_a_word_and_not_its_announcement(seen: bytes, found: bool) -> None:
    assert has_word(seen) is found
