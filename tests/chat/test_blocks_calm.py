"""The end of a growing answer doesn't flicker: what is open is closed for the moment, or waits."""

from __future__ import annotations

import pytest

from apps.chat.blocks import Rendering


def shown(text: str) -> str:
    rendering = Rendering()
    rendering.feed(text)
    return "".join(rendering.blocks)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("some **bold wo", "<p>some <strong>bold wo</strong></p>\n"),
        ("some **", "<p>some</p>\n"),
        ("some **bold*", "<p>some <strong>bold</strong></p>\n"),
        ("an *italic wo", "<p>an <em>italic wo</em></p>\n"),
        ("a `code wo", "<p>a <code>code wo</code></p>\n"),
        ("some ~~old", "<p>some <del>old</del></p>\n"),
        ("see [the page](https://exam", "<p>see the page</p>\n"),
        ("see [the page]", "<p>see the page</p>\n"),
        ("thus \\(x^", "<p>thus</p>\n"),
        ("2 * 3 is", "<p>2 * 3 is</p>\n"),
    ],
)
def test_the_end_of_a_line(text: str, html: str) -> None:
    assert shown(text) == html


@pytest.mark.parametrize("last", ["-", "=", "#", "##", "1", "1.", "```", "```py", "* ", "+"])
def test_a_line_that_may_change_the_one_before_waits(last: str) -> None:
    assert shown(f"Some text\n{last}") == "<p>Some text</p>\n"


def test_a_table_waits_for_its_second_line() -> None:
    assert shown("| a | b |\n|--") == ""
    assert shown("| a | b |\n|---|---|\n").startswith('<div class="table"')


def test_a_fence_that_may_be_closing_waits() -> None:
    assert "<code>a\n</code>" in shown("```\na\n``")
