"""The door to comrak: text in, HTML of GitHub's Markdown out, with the guards that keep time and depth in bounds."""

from __future__ import annotations

import html
import re
from functools import cache

import comrak

# What no page can show and what breaks encoders and parsers further on. Carriage returns are dealt with before.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufeff\ufffe\uffff\ud800-\udfff]")

_DELIMITER_ROW = re.compile(r"^[ \t>|:-]*-[ \t|:-]*$", re.MULTILINE)
_OPENING_OR_CLOSING = re.compile(r"<(/?)(?!br|hr|img|input)[a-z]")

DEEPEST = 40
_MOST_CELLS = 20_000
_MOST_FORMULA_STEPS = 100_000_000

Options = tuple[comrak.ExtensionOptions, comrak.ParseOptions, comrak.RenderOptions]


def printable(text: str) -> str:
    """The text with every character that cannot be shown replaced by U+FFFD; line ends become newlines."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("\ufffd", text)


def to_html(text: str, *, positions: bool = False) -> str:
    """HTML of printable text; raw HTML in it is escaped. With positions, blocks carry `data-sourcepos`.

    Text that nests deeper than a page can show comes back as one block of code.
    """
    options = _options(_has_bounded_tables(text), _has_bounded_formulas(text), positions)
    rendered = comrak.render_markdown(text, *options)
    if rendered.count("<") > DEEPEST and _depth(rendered) > DEEPEST:
        return f"<pre><code>{html.escape(text, quote=False)}</code></pre>\n"
    return rendered


@cache
def _options(tables: bool, formulas: bool, positions: bool) -> Options:
    extension = comrak.ExtensionOptions()
    extension.autolink = True
    extension.strikethrough = True
    extension.tasklist = True
    extension.table = tables
    extension.math_dollars = True
    extension.math_latex = formulas
    render = comrak.RenderOptions()
    render.escape = True
    render.github_pre_lang = True
    render.sourcepos = positions
    return extension, comrak.ParseOptions(), render


def _has_bounded_tables(text: str) -> bool:
    """Whether the cells that a table may be filled up with stay in proportion to the text.

    A row shorter than its header is completed: 48 kB of columns and rows became 400 MB in comrak 0.0.16.
    """
    if len(text) < 1000 or "|" not in text:
        return True
    columns = max((row.count("|") + 1 for row in _DELIMITER_ROW.findall(text)), default=0)
    return columns * text.count("\n") <= max(_MOST_CELLS, 4 * len(text))


def _has_bounded_formulas(text: str) -> bool:
    r"""Whether looking for the end of each `\(` stays cheap: comrak 0.0.16 searches to the end of the text each time."""
    if "\\" not in text:
        return True
    return (text.count("\\(") + text.count("\\[")) * len(text) <= _MOST_FORMULA_STEPS


def _depth(rendered: str) -> int:
    depth = deepest = 0
    for closing in _OPENING_OR_CLOSING.findall(rendered):
        depth += -1 if closing else 1
        deepest = max(deepest, depth)
    return deepest
