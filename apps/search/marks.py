"""Keeps the marks of an answer honest while it streams: one that rests on nothing that was read is taken out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from apps.search.values import Passage
from apps.search.words import content_words

# [1], [1, 2], [1-3], [^1], [Source 1], 【1】
_MARK = re.compile(r"[ \t]*[\[【]\s*(?:\^|(?i:sources?|quellen?):? *)?([0-9]{1,3}(?:\s*[,;–-]\s*[0-9]{1,3})*)\s*[\]】]")
_MAY_BECOME_MARK = re.compile(r"[ \t]*(?:[\[【][^\[\]【】\n]{0,28})?\Z")
_SENTENCE = re.compile(r"(?<=[.!?。\uff01\uff1f])\s+|\n+")
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_ENUMERATION = re.compile(r"^\s*(?:[0-9]{1,2}[.)]|[-*+])\s+")
REMEMBERED = 1_200
ENOUGH_WORDS = 2
ENOUGH_SHARE = 0.2
MOST_IN_RANGE = 10


@dataclass(frozen=True, slots=True)
class Citation:
    """A mark that was kept: which source, which passage of it, and for which claim."""

    number: int
    passage: Passage
    claim: str


class Marks:
    """Takes an answer in pieces and gives it back with honest marks, each written by `write`.

    A mark stays where its source was given to the model and a passage of it shares words, and every number, with the
    sentence before the mark. Text inside of code stays as it is. `said` is what the answer begins with already.
    """

    def __init__(
        self,
        passages: Mapping[int, Sequence[Passage]],
        write: Callable[[Citation], str] = lambda c: f"[{c.number}]",
        said: str = "",
    ) -> None:
        self._passages = passages
        self._write = write
        self._held = ""
        self._said = said[-REMEMBERED:]
        self._fenced = said.count("```") % 2 == 1
        self._after_mark = False
        self.citations: list[Citation] = []

    def feed(self, delta: str) -> str:
        """More of the answer; what may still become a mark is kept back."""
        text = self._held + delta
        waiting = _MAY_BECOME_MARK.search(text)
        cut = waiting.start() if waiting is not None else len(text)
        self._held = text[cut:]
        return self._honest(text[:cut])

    def finish(self) -> str:
        """What was kept back."""
        rest, self._held = self._held, ""
        return self._honest(rest)

    def _honest(self, text: str) -> str:
        parts: list[str] = []
        position = 0
        for found in _MARK.finditer(text):
            parts.append(self._plain(text[position : found.start()]))
            position = found.end()
            parts.append(found[0] if self._in_code() else self._marks(found))
        parts.append(self._plain(text[position:]))
        return "".join(parts)

    def _plain(self, text: str) -> str:
        if not text:
            return ""
        self._said = (self._said + text)[-REMEMBERED:]
        self._fenced ^= text.count("```") % 2 == 1
        # "[1](" and "[1][" would be links of Markdown to somewhere else.
        gap = " " if self._after_mark and text[0] in "([" else ""
        self._after_mark = False
        return gap + text

    def _in_code(self) -> bool:
        line = self._said.rsplit("\n", 1)[-1].replace("```", "")
        return self._fenced or line.count("`") % 2 == 1

    def _marks(self, found: re.Match[str]) -> str:
        """Those of the numbers in one mark that may stay, each as a mark of its own."""
        claim = self._claim()
        kept = [citation for number in _numbers(found[1]) if (citation := self._citation(number, claim)) is not None]
        if not kept:
            return ""
        self.citations += kept
        self._after_mark = True
        space = " " if found[0][0] in " \t" else ""
        return space + " ".join(self._write(citation) for citation in kept)

    def _claim(self) -> str:
        """The sentence that a mark stands behind; where it stands behind the full stop, the sentence before that."""
        parts = [part for part in _SENTENCE.split(self._said.rstrip()) if part.strip()]
        return _ENUMERATION.sub("", parts[-1]).strip() if parts else ""

    def _citation(self, number: int, claim: str) -> Citation | None:
        supports = [(support(claim, passage.text), passage) for passage in self._passages.get(number, ())]
        best = max(supports, key=lambda pair: pair[0], default=None)
        if best is None or best[0] <= 0:
            return None
        return Citation(number, best[1], claim)


def support(claim: str, passage: str) -> float:
    """How much of a claim a passage says, from 0 (nothing, or another number) to 1."""
    said, said_numbers = _terms(passage)
    wanted, numbers = _terms(claim)
    if not wanted or not numbers <= said_numbers:
        return 0.0
    shared = len(wanted & said)
    enough = shared >= min(ENOUGH_WORDS, len(wanted)) and shared / len(wanted) >= ENOUGH_SHARE
    return shared / len(wanted) if enough else 0.0


def _terms(text: str) -> tuple[set[str], set[str]]:
    """What a text is about, its numbers included; and its numbers alone."""
    numbers = {_canonical(number) for number in _NUMBER.findall(text)}
    return {word for word in content_words(text) if not word[0].isdigit()} | numbers, numbers


def _canonical(number: str) -> str:
    """1,000 and 1000 are the same; so are 3,5 and 3.5."""
    grouped = re.fullmatch(r"[0-9]{1,3}(?:[.,][0-9]{3})+", number)
    return re.sub(r"[.,]", "", number) if grouped else number.replace(",", ".")


def _numbers(inside: str) -> list[int]:
    found: list[int] = []
    for part in re.split(r"[,;]", inside):
        ends = [int(number) for number in re.findall(r"[0-9]+", part)]
        if len(ends) == 2 and 0 <= ends[1] - ends[0] < MOST_IN_RANGE:
            found += range(ends[0], ends[1] + 1)
        else:
            found += ends
    return list(dict.fromkeys(found))
