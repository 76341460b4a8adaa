"""Where Markdown can be cut: the top-level blocks of a text, so that each is rendered alone and only once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.chat.commonmark import outline

_BLOCK_TAG = re.compile(r'<(/?)(p|ul|ol|blockquote|pre|table|hr|h[1-6])\b(?: data-sourcepos="(\d+):)?')
_BLANK_LINES = re.compile(r"(?:[ \t]*\n)+")
# What begins like this may turn out to be a link definition, which is no block.
_BRACKET = re.compile(r" {0,3}\[")
# After a blank line, a line that begins like this can neither belong to a list before it nor be raw HTML.
_BEGUN = re.compile(r"[^\W\d_]|\*\*?[^\s*]|`[^`\n]|#{1,6} |\d{1,2}[^\d.)\s]|[\"'(>|]")
_AFTER_BLANK_LINE = re.compile(r"\n[ \t]*\n\Z")
# A table may follow a paragraph indented, but it cannot stand alone like that: it stays with the paragraph.
_INDENTED = re.compile(r" {0,3}\t| {4}")
_OPENING_FENCE = re.compile(r"( {0,3})(?:(`{3,})([^`\n]*)|(~{3,})([^\n]*))\n")


class Fence:
    """The first line of a fenced block of code: what it says about the lines that follow and the one that ends it."""

    def __init__(self, opening: re.Match[str]) -> None:
        self.length = opening.end()
        self.indent = len(opening[1])
        self.mark: str = opening[2] or opening[4]
        self.info: str = (opening[3] or opening[5] or "").strip()
        self.closing = re.compile(rf"^ {{0,3}}{re.escape(self.mark)}{re.escape(self.mark[0])}*[ \t]*$", re.MULTILINE)

    @classmethod
    def opening(cls, source: str) -> Fence | None:
        """The fence whose first line, complete, starts the source."""
        found = _OPENING_FENCE.match(source)
        return cls(found) if found else None

    def end(self, source: str) -> int | None:
        """The offset after the closing line of the source, its newline included; None while it is still open."""
        found = self.closing.search(source, self.length)
        return min(found.end() + 1, len(source)) if found else None


def blocks_split(text: str) -> list[str]:
    """The top-level blocks of a whole text, in order, without the blank lines before them.

    Raw HTML belongs to the block before it: it is only shown as text.
    """
    return [block for piece in split(text, complete=True) for block in fence_and_rest(piece)]


def split(text: str, *, complete: bool) -> list[str]:
    """The pieces of a text that starts with a block, each starting with a block.

    While the text grows (complete is False) only those cuts are made that no further word can undo. A block begins for
    good when its first line is there (`#` may become `#hashtag`), a table when its second line is there too, and a
    paragraph after a blank line when its first letter is there.
    """
    text = without_blank_lines(text)
    if "\n" not in text:
        return [] if is_blank(text) else [text]
    offsets = list(_cuts(text, text.count("\n") + complete))
    return [text[start:end] for start, end in zip([0, *offsets], [*offsets, len(text)], strict=True)]


def fence_and_rest(piece: str) -> Iterator[str]:
    """A piece whose first block is fenced code ends with its closing line; raw HTML after it is a piece of its own."""
    fence = Fence.opening(piece)
    end = (fence.end(piece) if fence else None) or len(piece)
    yield piece[:end]
    rest = without_blank_lines(piece[end:])
    if not is_blank(rest):
        yield rest


def without_blank_lines(text: str) -> str:
    """The text from its first line that is not blank."""
    blank = _BLANK_LINES.match(text)
    return text[blank.end() :] if blank else text


def is_blank(text: str) -> bool:
    """Whether Markdown sees nothing in the text. (A no-break space is something.)"""
    return not text.strip(" \t\n")


def _cuts(text: str, complete: int) -> Iterator[int]:
    """The offsets of the blocks after the first that begin for good, given how many lines are complete."""
    offset, at, doubtful = 0, 1, -1
    for line, tag in _starts(outline(text)):
        if line <= at:
            continue
        for _ in range(line - at):
            offset = text.index("\n", offset) + 1
        at = line
        if tag == "table" and (line >= complete or _INDENTED.match(text, offset)):
            continue
        if line > complete and not has_begun(text, offset):
            continue
        if doubtful >= 0:
            yield doubtful
        doubtful = offset if _BRACKET.match(text, offset) else -1
        if doubtful < 0:
            yield offset
    if doubtful >= 0 and complete > text.count("\n"):
        yield doubtful


def has_begun(text: str, offset: int) -> bool:
    """Whether a block begins for good with the line at the offset, however little of that line is there."""
    return (
        _BEGUN.match(text, offset) is not None
        and _AFTER_BLANK_LINE.search(text, max(0, offset - 80), offset) is not None
    )


def _starts(html: str) -> Iterator[tuple[int, str]]:
    depth = 0
    for closing, tag, line in _BLOCK_TAG.findall(html):
        if closing:
            depth -= 1
            continue
        if depth == 0 and line:
            yield int(line), tag
        depth += tag != "hr"
