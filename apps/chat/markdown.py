"""Text to safe HTML: what a model writes, as it may stand on a page."""

from __future__ import annotations

import html
import re
from functools import reduce

import nh3

from apps.chat.commonmark import to_html
from apps.chat.finishing import finished
from apps.chat.intake import printable
from apps.chat.splitting import Fence, blocks_split

VERSION = 1
"""Rises whenever the same text gives other HTML, so that rows know that what they keep is old."""

_MOST_DEFINITIONS = 4000

_OWN_IMAGE = re.compile(r"/gallery/[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")
_OWN_LINK = re.compile(r"(?:https?://|mailto:)|/search/passages/[0-9a-f-]{36}/\Z", re.IGNORECASE)
_IMAGE_OR_LINK = re.compile(r'<img src="([^"]*)" alt="([^"]*)"(?: title="[^"]*")? />|<(/?)a\b')
_HEADING = re.compile(r"(</?h)([1-6])>")
_BARE_HTML = re.compile(
    r"(\A|<blockquote>\n|<hr />\n|</(?:p|h[1-6]|ul|ol|pre|blockquote|table)>\n)(&lt;[^<]+?)\n(?=<|\Z)"
)
_DEFINITION = re.compile(r"^ {0,3}\[[^\[\]\\\n]{1,99}\]:[ \t]*\S+.*$", re.MULTILINE)
_END_OF_BLOCK = re.compile(r"</(?:p|li|h[1-6]|pre|tr|blockquote)>|<br />|<hr />")
_TAG = re.compile(r'<(?:"[^"]*"|[^<>"])*>')
_ALTERNATIVE = re.compile(r'<img [^>]*?alt="([^"]*)"[^>]*>')


def render(text: str) -> str:
    """Safe HTML of a whole text, whatever it contains. It never raises; time and depth are bounded by the length."""
    return "".join(blocks_render(text))


def blocks_render(text: str) -> list[str]:
    """Safe HTML of a whole text, one string for each top-level block."""
    sources = blocks_split(printable(text))
    known = reduce(definitions_add, sources, "")
    return [block_render(source, definitions=known) for source in sources]


def block_render(source: str, *, definitions: str = "", growing: bool = False) -> str:
    """Safe HTML of one printable block. `definitions` are link definitions made elsewhere in the text.

    While a block is growing, the code at its very end is not highlighted yet.
    """
    body = to_html(source, definitions=definitions)
    if "<img " in body:
        body = _without_foreign_images(body)
    if "<h" in body:
        body = _HEADING.sub(lambda tag: f"{tag[1]}{min(int(tag[2]) + 2, 6)}>", body)
    if "&lt;" in body:
        body = _BARE_HTML.sub(r"\1<p>\2</p>\n", body)
    return finished(_CLEANER.clean(body), growing=growing)


def definitions_add(known: str, source: str) -> str:
    """The link definitions (`[name]: address`) known so far and those of one more block, as far as there is room."""
    if "]:" not in source or Fence.opening(source):
        return known
    for line in _DEFINITION.findall(source):
        if len(known) + len(line) > _MOST_DEFINITIONS:
            break
        if not to_html(line):
            known += f"{line}\n"
    return known


def plain(text: str) -> str:
    """The words of a text without its markup, for titles and screen readers; one line for each block."""
    body = _ALTERNATIVE.sub(r"\1", to_html(printable(text)))
    words = html.unescape(_TAG.sub("", _END_OF_BLOCK.sub("\n", body)))
    return "\n".join(line.strip() for line in words.splitlines() if line.strip())


def _without_foreign_images(body: str) -> str:
    """Images that are not ours become links with their words; inside of a link only the words are left."""
    inside = False

    def replaced(found: re.Match[str]) -> str:
        nonlocal inside
        address, words, closing = found.groups()
        if address is None:
            inside = not closing
            return found[0]
        if _OWN_IMAGE.fullmatch(address):
            return found[0]
        return words if inside or not address else f'<a href="{address}">{words or address}</a>'

    return _IMAGE_OR_LINK.sub(replaced, body)


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "src":
        return value if _OWN_IMAGE.fullmatch(value) else None
    if name == "href":
        return value if _OWN_LINK.match(value) else None
    return value


# The second wall: comrak has escaped all HTML of the model already, so nothing but its own tags should arrive here.
_CLEANER = nh3.Cleaner(
    tags=set(
        "a blockquote br code del em h3 h4 h5 h6 hr img input li ol p pre span strong "
        "table tbody td th thead tr ul".split()
    ),
    clean_content_tags=set(),
    attributes={"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}, "pre": {"lang"}},
    tag_attribute_values={
        "input": {"type": {"checkbox"}, "checked": {""}, "disabled": {""}},
        "span": {"data-math-style": {"inline", "display"}},
        "td": {"align": {"left", "right", "center"}},
        "th": {"align": {"left", "right", "center"}},
    },
    attribute_filter=_attribute,
    url_schemes={"http", "https", "mailto"},
    url_relative="pass_through",
    link_rel=None,
)
