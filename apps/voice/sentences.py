"""Text for the ear: Markdown becomes what one would read aloud, and a stream of tokens is cut into sentences. Pure."""

from __future__ import annotations

import re

LONGEST = 280  # characters that are said in one go: a comma has to do where no sentence ends
PATIENCE = 400  # characters without any end are no sentence: a part of them is said
SHORTEST = 8  # "1." or "Oh." is said together with what follows
ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sr jr st vs etc e.g i.e fig no vol approx dept est inc ltd jan feb mar apr jun jul aug sep sept "
    "oct nov dec u.s u.k a.m p.m".split()
)
ENDING = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[\u3002\uff01\uff1f]+|\n{2,}|\n(?=\s*(?:[-*+•]|\d+[.)])\s)|:\n")
PAUSE = re.compile(r"[,;:–—](?=\s)|\n")
FENCE = re.compile(r"^ {0,3}(```|~~~)")
CODE_SAID = "There is some code here."

IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
ADDRESS = re.compile(r"https?://(?:www\.)?([^\s/)>\]]+)\S*")
CITATION = re.compile(r"\[\d{1,3}\]")
LINE_BEGIN = re.compile(r"^\s{0,3}(?:#{1,6}\s+|>\s?|[-*+]\s+|\d+[.)]\s+(?=\S))", re.MULTILINE)
RULE = re.compile(r"^\s*(?:[-*_]\s*){3,}$|^\s*\|?[\s:|-]{3,}\|?\s*$", re.MULTILINE)
MARKS = re.compile(r"(\*\*|__|~~|`+|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w))")
TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
PICTOGRAM = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d]")


def readable(markdown: str) -> str:
    """A piece of Markdown (not of a code block) as one would read it aloud."""
    text = IMAGE.sub(r"\1", markdown)
    text = LINK.sub(r"\1", text)
    text = ADDRESS.sub(r"\1", text)
    text = CITATION.sub("", text)
    text = RULE.sub("", text)
    text = LINE_BEGIN.sub("", text)
    text = TAG.sub("", text)
    text = MARKS.sub("", text)
    text = PICTOGRAM.sub("", text).replace("|", ", ")
    return " ".join(text.split())


class Sentences:
    """Cuts a text that is still being written: `feed` and `end` return what can be said by now."""

    def __init__(self) -> None:
        self._text = ""
        self._in_code = False

    def feed(self, text: str) -> list[str]:
        self._text += text
        return self._cut(final=False)

    def end(self) -> list[str]:
        """The rest. Afterwards it is as new."""
        found = self._cut(final=True)
        self._text, self._in_code = "", False
        return found

    def _cut(self, *, final: bool) -> list[str]:
        found: list[str] = []
        while (piece := self._next(final)) is not None:
            if said := readable(piece) if piece != CODE_SAID else piece:
                found.append(said)
        return [part for sentence in found for part in shortened(sentence)]

    def _next(self, final: bool) -> str | None:
        if self._in_code:
            return self._skip_code(final)
        fence = self._fence()
        stop = fence if fence is not None else len(self._text)
        end = boundary(self._text[:stop])
        if end is None and fence is not None:
            return self._enter_code(stop)
        if end is None and stop > PATIENCE:
            end = breath(self._text)
        if end is None and final:
            end = len(self._text) or None
        if end is None:
            return None
        piece, self._text = self._text[:end], self._text[end:]
        return piece

    def _fence(self) -> int | None:
        """Where a code block begins: at the start of a line whose end has come."""
        place = 0
        for line in self._text.splitlines(keepends=True):
            if FENCE.match(line) and line.endswith("\n"):
                return place
            place += len(line)
        return None

    def _enter_code(self, stop: int) -> str:
        before, rest = self._text[:stop], self._text[stop:]
        if before.strip():
            self._text = rest
            return before
        self._text = rest.partition("\n")[2]
        self._in_code = True
        return CODE_SAID

    def _skip_code(self, final: bool) -> str | None:
        place = 0
        for line in self._text.splitlines(keepends=True):
            place += len(line)
            if FENCE.match(line) and (line.endswith("\n") or final):
                self._text, self._in_code = self._text[place:], False
                return ""
        last_line = self._text.rpartition("\n")[2]
        self._text = "" if final else last_line
        return None


def boundary(text: str) -> int | None:
    """The end of the first sentence in a text that may go on; None where it has not ended yet."""
    for match in ENDING.finditer(text):
        if match.end() >= SHORTEST and not is_abbreviation(text[: match.end()]):
            return match.end()
    return None


def is_abbreviation(text: str) -> bool:
    """Whether the full stop at the end belongs to a word such as "Dr." or to a number in a list."""
    if not text.endswith("."):
        return False
    before, _, last = text[:-1].replace("\n", "\n ").rpartition(" ")
    word = last.strip("(\"'").lower()
    is_list_number = word.isdecimal() and (not before.strip() or before.endswith("\n"))
    return word in ABBREVIATIONS or is_list_number or (len(word) == 1 and word.isalpha() and word != "i")


def shortened(sentence: str) -> list[str]:
    """A sentence that is too long for one breath, cut at its pauses."""
    parts: list[str] = []
    while len(sentence) > LONGEST:
        cut = breath(sentence)
        parts.append(sentence[:cut].strip())
        sentence = sentence[cut:].strip()
    return [*parts, sentence] if sentence else parts


def breath(text: str) -> int:
    """Where to draw breath in a text that is too long: after a comma, else between two words, else anywhere."""
    pauses = [match.end() for match in PAUSE.finditer(text[:LONGEST])]
    return pauses[-1] if pauses else (text.rfind(" ", 0, LONGEST) + 1 or LONGEST)
