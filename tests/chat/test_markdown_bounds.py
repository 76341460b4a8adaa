"""Bad input costs time and depth in proportion to its length, and never an exception."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.chat import markdown, titles

# Each of these is cheap to write and was, or might have been, dear to read. The test's own time limit is the judge.
BOMBS = {
    "brackets": "[" * 1_000_000,
    "images": "![" * 300_000,
    "quotes": ">" * 300_000,
    "lists": "- " * 300_000,
    "nested lists": "\n".join("  " * depth + "- a" for depth in range(700)),
    "emphasis": "*_" * 200_000,
    "links": "[a](" * 150_000,
    "backticks": " ".join("`" * n for n in range(1, 1000)),
    "formulas": " ".join(f"$a_{n}$" for n in range(30_000)),
    "formulas without end": "\\(" * 300_000,
    "deep formula": "$$" + "{" * 900 + "}" * 900 + "$$",
    "roots": "$$" + "\\sqrt" * 300 + "x$$",
    "macros": "$\\def\\a{xx}\\def\\b{\\a\\a}\\b$",
    "wide table": "|a" * 2000 + "\n" + "|-" * 2000 + "\n" + "a\n" * 20_000,
    "dashes": "-" * 500_000 + "x",
    "paragraphs": "a\n\n" * 30_000,
    "definitions": "".join(f"[{n}]: /u\n\n[{n}]\n\n" for n in range(3000)),
    "fences": "```\n" * 30_000,
    "comments": "<!--\n" * 50_000,
    "code": "```python\n" + "f(((((((('\"\n" * 30_000,
    "code of slashes": "```c\n" + "/\n" * 9_000 + "```",
    "code of blank lines": "```java\n" + "\n" * 19_000 + "x\n```",
    "code in one line": "```python\n" + "f(" * 9_000 + "\n```",
    "entities": "&#0;&#xD800;&#x110000;&amp;" * 20_000,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_only_a_long_text(bomb: str) -> None:
    assert len(markdown.render(bomb)) < 50_000_000
    assert titles.title_from(bomb)


def test_no_page_gets_elements_deeper_than_it_can_show() -> None:
    html = markdown.render("> " * 5000 + "a\n\n**after**")
    assert "<blockquote>" not in html
    assert html.endswith("<p><strong>after</strong></p>\n")


def test_nesting_that_people_use_is_shown() -> None:
    html = markdown.render("\n".join("  " * depth + "- a" for depth in range(8)))
    assert html.count("<ul>") == 8


def test_characters_that_cannot_be_shown_are_marked() -> None:
    assert markdown.render("a\x00b\ud800c\x1bd") == "<p>a\ufffdb\ufffdc\ufffdd</p>\n"


def test_a_table_of_ordinary_size_is_a_table() -> None:
    rows = "".join(f"| {n} | b | c | d |\n" for n in range(2000))
    assert markdown.render("| a | b | c | d |\n|--|--|--|--|\n" + rows).count("<tr>") == 2001


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_any_text_can_be_rendered_encoded_and_titled(text: str) -> None:
    markdown.render(text).encode()
    markdown.plain(text).encode()
    assert 0 < len(titles.title_from(text)) <= titles.LONGEST


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(re.findall(r"\\\w+|.", r"\frac\sqrt\left\right\begin{matrix}\end&^_()[]x1 \\\over\limits"))
    )
)
def test_any_formula_can_be_rendered(pieces: list[str]) -> None:
    source = "".join(pieces)
    markdown.render(f"$${source}$$ ${source}$").encode()
