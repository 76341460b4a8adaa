"""Cutting a text into what can be said: whole sentences, as early as possible, and nothing but words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.voice.sentences import CODE_SAID, LONGEST, Sentences, readable


def cut(text: str, size: int = 3) -> list[str]:
    """The sentences of a text that arrives in small pieces."""
    cutter = Sentences()
    found = [line for place in range(0, len(text), size) for line in cutter.feed(text[place : place + size])]
    return [*found, *cutter.end()]


def test_a_sentence_is_said_as_soon_as_the_next_one_begins() -> None:
    cutter = Sentences()
    assert cutter.feed("This is the first one.") == []
    assert cutter.feed(" And") == ["This is the first one."]
    assert cutter.end() == ["And"]


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith met Mr. Jones at 5 p.m. in London.",
        "It costs 3.50 euros, i.e. almost nothing.",
        "See e.g. the third chapter of it.",
        "Version 2.0.1 is out now.",
        "J. R. R. Tolkien wrote it.",
        "Visit example.org today.",
    ],
)
def test_not_every_full_stop_ends_a_sentence(text: str) -> None:
    assert cut(text) == [text]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Really? Yes, really! Good.", ["Really? Yes, really!", "Good."]),
        ("First paragraph\n\nSecond paragraph", ["First paragraph", "Second paragraph"]),
        ("There are:\n- apples, pears\n- plums, cherries\n", ["There are:", "apples, pears", "plums, cherries"]),
        ("1. Wash the apples.\n2. Peel the apples.\n", ["Wash the apples.", "Peel the apples."]),
        ('He said: "This is it." Then he left.', ['He said: "This is it."', "Then he left."]),
        ("There were 20. Nobody knew why.", ["There were 20.", "Nobody knew why."]),
        ("これは文です。これも文です。", ["これは文です。これも文です。"]),
    ],
)  # fmt: skip
def test_sentences_end_where_people_would_pause(text: str, said: list[str]) -> None:
    assert cut(text) == said


@pytest.mark.parametrize(
    ("markdown", "said"),
    [
        ("## A heading", "A heading"),
        ("**bold** and *italic* and `code`", "bold and italic and code"),
        ("a_name_with_lines and 2*3*4", "a_name_with_lines and 2*3*4"),
        ("[the page](https://example.org/a/b?c=d)", "the page"),
        ("see https://www.example.org/a/very/long?query=1 there", "see example.org there"),
        ("![a cat](cat.png)", "a cat"),
        ("as shown [1][2]", "as shown"),
        ("> quoted", "quoted"),
        ("| a | b |", ", a , b ,"),
        ("well done 🎉👍", "well done"),
        ("<b>bold</b>", "bold"),
        ("---", ""),
    ],
)
def test_markdown_is_read_as_one_would_read_it(markdown: str, said: str) -> None:
    assert readable(markdown) == said


def test_code_is_not_read_aloud() -> None:
    said = cut("Look at this:\n```python\nprint('Hello. World!')\n```\nThat was it.")
    assert said == ["Look at this:", CODE_SAID, "That was it."]


def test_code_without_an_end_is_not_read_either() -> None:
    assert cut("Look:\n\n```\nnever. closed. at all.\n") == ["Look:", CODE_SAID]


def test_a_long_sentence_is_cut_at_its_commas() -> None:
    said = cut(", ".join(["and this goes on"] * 60) + ".")
    assert all(len(line) <= LONGEST for line in said)
    assert all(line.endswith(("on,", "on.")) for line in said)


def test_words_without_any_end_are_said_in_time() -> None:
    cutter = Sentences()
    assert cutter.feed("word " * 100)
    assert len(cutter.end()) >= 1


def test_after_its_end_a_cutter_is_as_new() -> None:
    cutter = Sentences()
    cutter.feed("```\ncode")
    cutter.end()
    assert [*cutter.feed("This is text."), *cutter.end()] == ["This is text."]


@given(st.text(max_size=600), st.integers(1, 40))
def test_no_text_is_too_odd_and_no_line_too_long(text: str, size: int) -> None:
    for line in cut(text, size):
        assert line.strip()
        assert len(line) <= LONGEST


@given(st.lists(st.text("abcdefghij", min_size=3, max_size=12), min_size=1, max_size=80), st.integers(1, 40))
def test_no_word_is_lost(words: list[str], size: int) -> None:
    text = "".join(f"{word}. " if place % 7 == 6 else f"{word} " for place, word in enumerate(words))
    assert " ".join(cut(text, size)).replace(".", "").split() == words
