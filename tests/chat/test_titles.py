"""Titles are made of the first question's own words."""

from __future__ import annotations

import pytest

from apps.chat.titles import LONGEST, title_from


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("What is a monad?", "What is a monad?"),
        ("Explain this. Then do more.", "Explain this"),
        ("Hi! Can you **fix** `foo()` for me?", "Can you fix foo() for me?"),
        ("Hello", "Hello"),
        ("/image a boat at dawn", "a boat at dawn"),
        ("/image", "/image"),
        ("/images are slow", "/images are slow"),
        ("# Heading\n\nText", "Heading"),
        ("```py\nimport os\n```\nWhy does this fail?", "Why does this fail?"),
        ("```py\nimport os\n```", "import os"),
        ("See [the docs](https://e.org)\nplease", "See the docs"),
        ("日本語の質問です。次の文。", "日本語の質問です。"),
        ("a\u202eb\u0000c\u200bd", "abcd"),
        ("   \n\t", "New chat"),
        ("", "New chat"),
        ("\u202e\u200b", "New chat"),
        ("???", "???"),
        ("Wait...", "Wait..."),
        ("Family 👨‍👩‍👧 photo", "Family 👨‍👩‍👧 photo"),
    ],
)
def test_a_title(text: str, title: str) -> None:
    assert title_from(text) == title


def test_a_long_title_is_cut_at_a_word() -> None:
    title = title_from("word " * 40)
    assert title == "word " * 10 + "word…"
    assert len(title) <= LONGEST


def test_a_long_word_is_cut_anywhere() -> None:
    assert title_from("x" * 200) == "x" * (LONGEST - 1) + "…"
