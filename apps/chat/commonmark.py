"""The door to comrak: text in, HTML of GitHub's Markdown out, with the guards that keep time and depth in bounds."""

from __future__ import annotations

import html
import re
from functools import cache

import comrak

_DELIMITER_ROW = re.compile(r"^[ \t>|:-]+$", re.MULTILINE)
_OPENING_OR_CLOSING = re.compile(r"<(/?)(?!br|hr|img|input)[a-z]")

_DEEPEST = 40
_MOST_CELLS = 50_000
_MOST_FORMULA_STEPS = 100_000_000

Options = tuple[comrak.ExtensionOptions, comrak.ParseOptions, comrak.RenderOptions]


def to_html(text: str, *, definitions: str = "") -> str:
    """HTML of printable text; raw HTML in it is escaped. It may refer to the link definitions.

    Text that nests deeper than a page can show comes back as one block of code.
    """
    rendered = _render(f"{definitions}\n{text}" if definitions and "[" in text else text, positions=False)
    if rendered.count("<") > _DEEPEST and _depth(rendered) > _DEEPEST:
        return f"<pre><code>{html.escape(text, quote=False)}</code></pre>\n"
    return rendered


def outline(text: str) -> str:
    """HTML whose blocks carry `data-sourcepos`, to learn where they begin; not for any page."""
    return _render(text, positions=True)


def _render(text: str, *, positions: bool) -> str:
    options = _options(_has_bounded_tables(text), _has_bounded_formulas(text), positions)
    return comrak.render_markdown(text, *options)


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
    render.github_pre_lang = not positions
    render.sourcepos = positions
    return extension, comrak.ParseOptions(), render


def _has_bounded_tables(text: str) -> bool:
    """Whether the cells that tables may be filled up with stay within what can be rendered in half a second.

    A row shorter than its header is completed: 48 kB of columns and rows became 400 MB in comrak 0.0.16.
    """
    if len(text) < 1000 or "|" not in text:
        return True
    columns = max((row.count("|") + 1 for row in _DELIMITER_ROW.findall(text)), default=0)
    return columns * text.count("\n") <= _MOST_CELLS


def _has_bounded_formulas(text: str) -> bool:
    r"""Whether looking for the end of each `\(` stays cheap: comrak 0.0.16 searches up to the end of the text."""
    if "\\" not in text:
        return True
    return (text.count("\\(") + text.count("\\[")) * len(text) <= _MOST_FORMULA_STEPS


def _depth(rendered: str) -> int:
    depth = deepest = 0
    for closing in _OPENING_OR_CLOSING.findall(rendered):
        depth += -1 if closing else 1
        deepest = max(deepest, depth)
    return deepest
