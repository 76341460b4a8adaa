"""What is done to a model's words before they are read as Markdown, delta by delta."""

from __future__ import annotations

import re
from collections.abc import Iterator

# What no page can show and what breaks encoders and parsers further on; carriage returns are dealt with before.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufeff\ufffe\uffff\ud800-\udfff]")

_LONGEST_MARK = 300
_MAY_BECOME_A_MARK = re.compile(
    r"[ \t]*(?:[-*+]|\d{1,9}[.)]?)?[ \t]*(?:\$\$?[ \t]*|\\[\[\]]?[ \t]*|`{0,2}|~{0,2}|```[^\n]*|~~~[^\n]*)"
)
_FENCE = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}(?=[^`]*\Z)|~{3,})")
_FORMULA = re.compile(r"([ \t]*)(\$\$|\\\[)[ \t]*\n?")


class Intake:
    r"""Makes printable text of deltas. The joined result does not depend on where the deltas were cut.

    Line ends become newlines, and characters that cannot be shown U+FFFD. A formula between lines of `$$`, or of `\[`
    and `\]`, becomes a fenced block called math: its lines could be read as headings (`=`) or lists (`+`) otherwise.
    """

    def __init__(self) -> None:
        self._return = ""
        self._held = ""
        self._inside_line = False
        self._fence = ""
        self._formula = ""

    def feed(self, delta: str) -> str:
        """What is certain after this delta; a carriage return and the beginning of a mark wait for what follows."""
        text = self._return + delta
        self._return = "\r" if text.endswith("\r") else ""
        return "".join(self._lines(_printable(text[:-1] if self._return else text)))

    def finish(self) -> str:
        """What was still waiting."""
        rest = self.feed("\n") if self._return else ""
        held, self._held = self._held, ""
        return rest + (self._line(held) if held else "")

    def _lines(self, text: str) -> Iterator[str]:
        start = 0
        while start < len(text):
            end = text.find("\n", start) + 1 or len(text)
            yield self._part(text[start:end])
            start = end

    def _part(self, part: str) -> str:
        """Handle what came of one line, the end of it perhaps."""
        if self._inside_line:
            self._inside_line = not part.endswith("\n")
            return part
        line, self._held = self._held + part, ""
        if line.endswith("\n"):
            return self._line(line)
        if len(line) < _LONGEST_MARK and _MAY_BECOME_A_MARK.fullmatch(line):
            self._held = line
            return ""
        self._inside_line = True
        return line

    def _line(self, line: str) -> str:
        """Handle one whole line."""
        if len(line) > _LONGEST_MARK:
            return line
        if self._fence:
            self._fence = "" if _closes(line, self._fence) else self._fence
        elif self._formula:
            return self._formula_line(line)
        elif fence := _FENCE.match(line):
            self._fence = fence[1]
        elif formula := _FORMULA.fullmatch(line):
            self._formula = "$$" if formula[2] == "$$" else "\\]"
            return f"{formula[1]}```math\n"
        return line

    def _formula_line(self, line: str) -> str:
        if line.strip(" \t\n") not in ("", self._formula):
            return line
        closing = line.replace(self._formula, "```")
        self._formula = ""
        return closing if closing.strip(" \t\n") else f"```\n{closing}"


def printable(text: str) -> str:
    """The whole text as it is read."""
    intake = Intake()
    return intake.feed(text) + intake.finish()


def _closes(line: str, fence: str) -> bool:
    mark = line.strip(" \t\n")
    return len(mark) >= len(fence) and not mark.strip(fence[0])


def _printable(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("\ufffd", text)
