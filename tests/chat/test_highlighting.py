"""Code on the page."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from apps.chat import highlighting, languages

CSS = Path(__file__).parents[2] / "static" / "css" / "code.css"


def test_every_class_has_a_colour_and_every_colour_a_class() -> None:
    rules = re.sub(r"/\*.*?\*/|\{.*?\}", "", CSS.read_text(), flags=re.DOTALL)
    styled = set(re.findall(r"\.([a-z]{1,2})\b", rules))
    assert styled == {name for name in highlighting.CLASSES.values() if name}


@pytest.mark.parametrize("names", languages.LANGUAGES.values())
def test_every_language_can_be_coloured_without_losing_a_letter(names: str) -> None:
    code = "\n\nif (a < b) { return \"x & y\"; } # 'é'\n  // end\n\n"
    figure = highlighting.figure(code, names.split()[-1])
    inside = figure.split("<pre><code>")[1].removesuffix(highlighting.END)
    assert html.unescape(re.sub(r"</?span[^>]*>", "", inside)) == code


def test_one_language_has_one_name() -> None:
    assert 'data-language="bash"><figcaption>Bash<' in highlighting.figure("ls", "Shell title=x")
