"""What a search asks for, and the line that shows why something was found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.chat.snippets import MOST_TERMS, Piece, beginning, query_from, snippet


def marked(text: str, *words: str) -> list[str]:
    return [piece.text for piece in snippet(text, words) if piece.hit]


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("otter", "('otter':*)"),
        ("two otters", "('two':*) & ('otters':*)"),
        ('"sea otter" fur', "('sea' <-> 'otter') & ('fur':*)"),
        ("otter -river", "('otter':*) & !('river':*)"),
        ("it's", "('it''s':*)"),
        (r"a\b", r"('a\\b':*)"),
        ('"unfinished phrase', "('unfinished' <-> 'phrase')"),
    ],
)
def test_a_query_becomes_postgresqls(typed: str, asked: str) -> None:
    assert query_from(typed).tsquery == asked


@pytest.mark.parametrize("typed", ["", "   ", "?!", '""', "-", "-otter", "\x00", "\ud800", '" "', "&|!:*()"])
def test_what_names_no_word_asks_for_nothing(typed: str) -> None:
    assert not query_from(typed)
    assert query_from(typed).tsquery == ""


def test_the_number_of_words_is_bounded() -> None:
    assert query_from("word " * 500).tsquery.count(":*") == MOST_TERMS


def test_a_snippet_marks_the_words_by_their_beginning() -> None:
    assert marked("Two Otters and an otter's fur, but no blotter.", "otter", "fur") == ["Otter", "otter", "fur"]


def test_a_snippet_is_one_line_around_the_first_hit() -> None:
    text = "before " * 100 + "the otter\n\nswims " + "after " * 100
    line = "".join(piece.text for piece in snippet(text, ["otter"]))
    assert line.startswith("…before")
    assert "the otter swims after" in line
    assert line.endswith("after…")
    assert len(line) < 220


def test_a_short_text_is_shown_whole() -> None:
    assert snippet("An otter.", ["otter"]) == (Piece("An "), Piece("otter", hit=True), Piece("."))


def test_without_a_hit_there_is_no_snippet_but_a_beginning() -> None:
    assert snippet("An otter.", ["beaver"]) == ()
    assert snippet("An otter.", []) == ()
    assert beginning("An  otter.") == (Piece("An otter."),)
    assert beginning("") == ()


@given(text=st.text(max_size=400), words=st.lists(st.from_regex(r"\A\w{1,8}\Z"), min_size=1, max_size=4))
def test_a_snippet_says_nothing_that_the_text_does_not(text: str, words: list[str]) -> None:
    said = "".join(piece.text for piece in snippet(text, words)).strip("…")
    assert said.strip("…").replace(" ", "") in "".join(text.split())


@given(st.text(max_size=300))
def test_every_text_can_be_a_query(text: str) -> None:
    query_from(text).tsquery.encode()
