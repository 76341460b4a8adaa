"""A visitor cannot write lines of their own into the log, and secrets stay out of it."""

from __future__ import annotations

import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.logs import LineFormatter, VisitorsMistakes


def line(message: str, *args: object) -> str:
    record = logging.LogRecord("nitro", logging.WARNING, __file__, 1, message, args, None)
    return LineFormatter("%(levelname)s %(name)s: %(message)s").format(record)


def test_line_breaks_are_written_out() -> None:
    assert (
        line("Not Found: %s", "/x\nERROR nitro: all is lost")
        == r"WARNING nitro: Not Found: /x\nERROR nitro: all is lost"
    )


@pytest.mark.parametrize("trick", ["\r", "\x1b[2J", "\u2028", "\u202e", "\x85", "\0", "\x0b"])
def test_terminal_tricks_are_written_out(trick: str) -> None:
    assert trick not in line("said %s", trick)


@given(st.text())
def test_a_message_is_one_line(text: str) -> None:
    assert len(line("%s", text).splitlines()) == 1


def test_keys_and_links_are_cut() -> None:
    said = line("GET /x?key=nk_abcdefghijklmnop and /accounts/link/abcdefghijklmnop/")
    assert "nk_…" in said
    assert "abcdefghijklmnop" not in said


def test_a_traceback_keeps_its_lines_and_cannot_pass_for_messages() -> None:
    try:
        raise ValueError("first\nERROR nitro: second nk_abcdefghijkl")
    except ValueError:
        record = logging.LogRecord("nitro", logging.ERROR, __file__, 1, "broke", (), sys.exc_info())
    first, *rest = LineFormatter("%(levelname)s %(message)s").format(record).splitlines()
    assert first == "ERROR broke"
    assert rest
    assert all(text.startswith("  ") for text in rest)
    assert "abcdefghijkl" not in "".join(rest)


def test_a_visitors_mistake_is_a_warning_in_one_line() -> None:
    try:
        raise ValueError("Invalid HTTP_HOST header")
    except ValueError:
        record = logging.LogRecord(
            "django.security.DisallowedHost", logging.ERROR, __file__, 1, "no", (), sys.exc_info()
        )
    assert VisitorsMistakes().filter(record)
    assert LineFormatter("%(levelname)s %(message)s").format(record) == "WARNING no"


def test_our_own_mistakes_keep_their_traceback() -> None:
    record = logging.LogRecord("django.request", logging.ERROR, __file__, 1, "no", (), (ValueError, ValueError(), None))
    assert VisitorsMistakes().filter(record)
    assert "ValueError" in LineFormatter("%(message)s").format(record)
