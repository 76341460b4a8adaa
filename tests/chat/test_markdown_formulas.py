"""Formulas become MathML; money stays money."""

from __future__ import annotations

import pytest

from apps.chat import markdown


@pytest.mark.parametrize("text", ["$x^2$", "\\(x^2\\)", "where $x^2$ is"])
def test_formulas_in_a_line(text: str) -> None:
    assert '<math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>' in markdown.render(text)


@pytest.mark.parametrize("text", ["$$x^2$$", "\\[x^2\\]", "$$\nx^2\n$$", "\\[\nx^2\n\\]", "Thus:\n$$\nx^2\n$$"])
def test_formulas_on_their_own(text: str) -> None:
    assert '<math display="block"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>' in markdown.render(text)


@pytest.mark.parametrize("middle", ["=", "+ b", "- b", "# c"])
def test_lines_of_a_formula_are_no_headings_and_lists(middle: str) -> None:
    html = markdown.render(f"$$\na\n{middle}\n$$")
    assert html.count("<math") == 1 or "<code>" in html
    assert "<h3>" not in html
    assert "<ul>" not in html


def test_a_formula_without_end_costs_one_paragraph() -> None:
    assert markdown.render("$$\nx\n\n# After").endswith("<h3>After</h3>\n")


@pytest.mark.parametrize(
    "text",
    ["$5 and $6", "It costs $5.", "from $5 to $6, or $7", "$20 for apples and pears$", "US$5/US$6", "$1,000–$2,000"],
)
def test_prices_are_not_formulas(text: str) -> None:
    assert markdown.render(text) == f"<p>{text}</p>\n"


@pytest.mark.parametrize("text", ["`$x$`", "```\n$x$\n```", "    $x$", "```\n$$\nx\n$$\n```"])
def test_code_has_no_formulas(text: str) -> None:
    assert "<math" not in markdown.render(text)


def test_a_formula_that_cannot_be_read_is_shown_as_it_was_written() -> None:
    assert markdown.render("$\\left(a$") == "<p><code>\\left(a</code></p>\n"


def test_a_block_that_cannot_be_read_is_shown_as_code() -> None:
    assert "<code>\\left(\n</code>" in markdown.render("$$\n\\left(\n$$")


def test_letters_of_a_formula_are_letters() -> None:
    assert "<mtext>a\u00a0&lt;\u00a0b\u00a0&amp;\u00a0c</mtext>" in markdown.render("$\\text{a < b & c}$")
