"""Marks: what may stay, what must go, however the answer is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.search.marks import Citation, Marks, support
from apps.search.values import Passage

ONE = Passage(0, 90, "The bridge of Tarrow was opened on 4 May 1931. It has nine arches of red stone.")
TWO = Passage(0, 70, "With 1,240 metres it was the longest bridge of its country.")
GIVEN = {1: [ONE], 2: [TWO]}


def honest(text: str, *, size: int = 0) -> str:
    """A whole answer with its honest marks, fed in pieces of a size."""
    marks = Marks(GIVEN)
    pieces = [text[at : at + size] for at in range(0, len(text), size)] if size else [text]
    return "".join(marks.feed(piece) for piece in pieces) + marks.finish()


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("It was opened in May 1931 [1].", "It was opened in May 1931 [1]."),
        ("It was opened in May 1931. [1]", "It was opened in May 1931. [1]"),
        ("It was opened in May 1932 [1].", "It was opened in May 1932."),
        ("It has nine arches [9].", "It has nine arches."),
        ("Whales sing at night [1].", "Whales sing at night."),
        ("The longest bridge of the country is 1240 metres long [2].",) * 2,
        ("A bridge with nine red arches [1, 2].", "A bridge with nine red arches [1]."),
        ("The bridge has nine arches [1][2].", "The bridge has nine arches [1]."),
        ("The bridge has nine arches [Source 1].", "The bridge has nine arches [1]."),
        ("The bridge has nine arches【1】.", "The bridge has nine arches[1]."),
        ("The bridge has nine arches [^1].", "The bridge has nine arches [1]."),
        ("[1] Nine arches.", " Nine arches."),
        ("Use `list[1]` here.", "Use `list[1]` here."),
        ("```\na = b[1]\n```\n", "```\na = b[1]\n```\n"),
        ("The bridge has nine arches [1](http://evil.example).",
         "The bridge has nine arches [1] (http://evil.example)."),
        ("- The bridge has nine arches [1]\n- Whales [1]\n", "- The bridge has nine arches [1]\n- Whales\n"),
        ("Nothing to see [here].", "Nothing to see [here]."),
        ("An open end [1", "An open end [1"),
    ],
)  # fmt: skip
def test_only_what_rests_on_a_passage_keeps_its_mark(said: str, left: str) -> None:
    assert honest(said) == left


@given(st.text(alphabet="The bridge nine arches 1931 [1][2],.`\n-[]^(", max_size=120), st.integers(1, 9))
@settings(max_examples=200)
def test_it_does_not_matter_how_an_answer_is_cut(text: str, size: int) -> None:
    assert honest(text, size=size) == honest(text, size=1)


@given(st.text(max_size=200))
def test_text_without_marks_comes_back_to_the_letter(text: str) -> None:
    plain = text.replace("[", "").replace("【", "")
    assert honest(plain, size=3) == plain


def test_each_kept_mark_knows_its_passage_and_its_claim() -> None:
    marks = Marks(GIVEN)
    marks.feed("First. The bridge has nine arches [1]. It is the longest bridge [2].")
    marks.finish()
    assert marks.citations == [
        Citation(1, ONE, "The bridge has nine arches"),
        Citation(2, TWO, "It is the longest bridge"),
    ]


def test_marks_are_written_as_one_wishes() -> None:
    marks = Marks(GIVEN, lambda citation: f"<{citation.number}>")
    assert marks.feed("Nine arches has the bridge [1]. ") + marks.finish() == "Nine arches has the bridge <1>. "


@pytest.mark.parametrize(
    ("claim", "fits"),
    [
        ("It opened on 4 May 1931", True),
        ("Opened in 1931, it has arches", True),
        ("It opened on 5 May 1931", False),
        ("Nine stones", True),
        ("Penguins", False),
        ("", False),
        ("the of and", False),
    ],
)
def test_support_needs_shared_words_and_every_number(claim: str, fits: bool) -> None:
    assert (support(claim, ONE.text) > 0) is fits


def test_numbers_are_the_same_in_any_usual_spelling() -> None:
    assert support("It is 1240 metres long", TWO.text) > 0
    assert support("The value was measured as 3,5", "A measured value of 3.5") > 0
