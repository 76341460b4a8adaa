"""How the last block of an answer looks while it grows: calm, and cheap where it is code."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from apps.chat import highlighting
from apps.chat.patches import Change, units
from apps.chat.splitting import Fence

# Last lines that would make something else of the lines before them, or of themselves, with the next letter.
_UNDECIDED = re.compile(r"[ \t>]*(?:[-=+*#]+[ \t]*|\d{1,9}[.)]?[ \t]*|(?:[-+*]|\d{1,9}[.)])?[ \t]*(?:```|~~~)[^\n]*)")
_LINK = re.compile(r"!?\[([^\[\]\n]*)(?:\]|\]\([^()\s]*)\Z")
_MARKS = re.compile(r"!?[*_~`\[$\\]+\Z")
_INLINE_CODE = re.compile(r"`[^`]*`")
_EMPHASIS = re.compile(r"(?:^|[\s(])\*[^\s*][^*]*\Z")
_LONGEST_CLOSING = 200


def calm(source: str) -> str:
    """The source as far as it can be shown without flicker: what is open at its end is closed, or waits."""
    if source.startswith("|") and source.count("\n") < 2:
        return ""
    start = source.rfind("\n") + 1
    line = source[start:]
    if _UNDECIDED.fullmatch(line):
        return source[:start]
    return source[:start] + _closed(_MARKS.sub("", _LINK.sub(r"\1", line)))


def _closed(line: str) -> str:
    if line.count("`") % 2:
        return line + "`"
    words = _INLINE_CODE.sub("", line)
    if words.count("$$") % 2:
        return line[: line.rfind("$$")]
    if words.rfind("\\(") > words.rfind("\\)"):
        return line[: line.rfind("\\(")]
    for mark in ("**", "~~"):
        if words.count(mark) % 2:
            return line.rstrip() + mark
    return line.rstrip() + "*" if _EMPHASIS.search(words.replace("**", "")) else line


class OpenFence:
    """A block of code that is not closed yet: shown plain, each letter handled once."""

    def __init__(self, fence: Fence, opening: str) -> None:
        self._fence = fence
        self._head = highlighting.head(fence.info)
        self._source = [opening]
        self._line: list[str] = []
        self._line_shows = False
        self._shown: list[str] = []
        self._units = 0
        self._new: list[str] = []
        self.is_shown = False

    @property
    def source(self) -> str:
        """All of the block so far."""
        return "".join(self._source + self._line)

    @property
    def shown(self) -> str:
        """The block as the page has it."""
        return "".join([self._head, *self._shown, highlighting.END])

    def grow(self, text: str) -> str | None:
        """Take in more lines. What follows the closing line, once that has come; None before."""
        start = 0
        while (end := text.find("\n", start)) >= 0:
            if self._ends(text[start : end + 1]):
                return text[end + 1 :]
            start = end + 1
        if start < len(text):
            self._line_grow(text[start:])
        return None

    def show(self) -> str:
        """The whole block, for the first time; from now on `changes` are enough."""
        self._shown, self._new, self.is_shown = self._new, [], True
        self._units = units(self._head) + sum(map(units, self._shown))
        return self.shown

    def changes(self, block: int) -> Iterator[Change]:
        """What the page needs to have the letters that came since."""
        if self._new:
            new, self._new = "".join(self._new), []
            yield Change(block, self._units, new + highlighting.END)
            self._shown.append(new)
            self._units += units(new)

    def _ends(self, rest: str) -> bool:
        """Complete the current line; whether it is the closing one."""
        self._line_grow(rest)
        line = "".join(self._line)
        self._source.append(line)
        self._line = []
        if not self._line_shows:
            if self._fence.closing.fullmatch(line, 0, len(line) - 1):
                return True
            self._show(self._unindented(line))
        self._line_shows = False
        return False

    def _line_grow(self, text: str) -> None:
        self._line.append(text)
        if self._line_shows:
            self._show(text)
            return
        line = "".join(self._line)
        if len(line) > _LONGEST_CLOSING or line.strip(" \t\n" + self._fence.mark[0]):
            self._line_shows = True
            self._show(self._unindented(line))

    def _unindented(self, line: str) -> str:
        return re.sub(rf"\A {{0,{self._fence.indent}}}", "", line) if self._fence.indent else line

    def _show(self, text: str) -> None:
        self._new.append(html.escape(text, quote=False))
