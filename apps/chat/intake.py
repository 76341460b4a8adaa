"""What is done to a model's words before they are read as Markdown, delta by delta."""

from __future__ import annotations

import re

# What no page can show and what breaks encoders and parsers further on; carriage returns are dealt with before.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufeff\ufffe\uffff\ud800-\udfff]")


class Intake:
    """Makes printable text of deltas. The joined result does not depend on where the deltas were cut.

    Line ends become newlines; characters that cannot be shown become U+FFFD.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, delta: str) -> str:
        """What is certain after this delta; a carriage return at its end waits for what follows."""
        text = self._held + delta
        self._held = "\r" if text.endswith("\r") else ""
        return _printable(text[:-1] if self._held else text)

    def finish(self) -> str:
        """What was still waiting."""
        held, self._held = self._held, ""
        return _printable(held)


def printable(text: str) -> str:
    """The whole text as it is read."""
    intake = Intake()
    return intake.feed(text) + intake.finish()


def _printable(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("\ufffd", text)
