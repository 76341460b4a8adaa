"""Pure: what a search asks for, as PostgreSQL's query, and the few words around a hit that show why it was found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_TERMS = 12
LONGEST_TERM = 100
BEFORE, AFTER = 40, 120  # characters around the first hit

_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
_WORD = re.compile(r"\w+")
_UNSEARCHABLE = re.compile("[\x00\ud800-\udfff]")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody looks for: `tsquery` for PostgreSQL, and `words`, whose beginnings are marked in snippets."""

    tsquery: str
    words: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.words)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a snippet; `hit` says whether it is what was looked for."""

    text: str
    hit: bool = False


def query_from(text: str) -> Query:
    """All terms must be there: words by their beginning, `"some words"` side by side, `-word` not at all."""
    parts, words = [], []
    for minus, phrase, word in _TERM.findall(_UNSEARCHABLE.sub(" ", text))[:MOST_TERMS]:
        found = _WORD.findall((phrase or word)[:LONGEST_TERM])
        if not found:
            continue
        operand = " <-> ".join(_quoted(one) for one in phrase.split() if _WORD.search(one)) if phrase else _begun(word)
        parts.append(f"!({operand})" if minus else f"({operand})")
        words += [] if minus else found
    return Query(" & ".join(parts) if words else "", words)


def _begun(word: str) -> str:
    return f"{_quoted(word[:LONGEST_TERM])}:*"


def _quoted(word: str) -> str:
    """A word as an operand of to_tsquery, which takes it apart as it did with the text."""
    doubled = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def snippet(text: str, words: Sequence[str]) -> Sequence[Piece]:
    """One line around the first hit, with everything marked that begins like one of the words; () where none does."""
    hit = _hits(words)
    found = hit.search(text) if words else None
    if found is None:
        return ()
    start, end = _edge(text, found.start() - BEFORE, -1), _edge(text, found.end() + AFTER, 1)
    line = _SPACE.sub(" ", text[start:end]).strip()
    return tuple(_pieces(f"{'…' if start else ''}{line}{'…' if end < len(text) else ''}", hit))


def beginning(text: str) -> Sequence[Piece]:
    """The first words of a text in which nothing can be marked."""
    end = _edge(text, BEFORE + AFTER, 1)
    line = _SPACE.sub(" ", text[:end]).strip()
    return (Piece(line + ("…" if end < len(text) else "")),) if line else ()


def _hits(words: Sequence[str]) -> re.Pattern[str]:
    """Matches words that begin like one of these, longest first."""
    beginnings = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![^\W_])(?:{beginnings})", re.IGNORECASE)


def _edge(text: str, place: int, step: int) -> int:
    """The end of the word at this place, going backwards or forwards by at most twenty letters."""
    place = max(0, min(place, len(text)))
    for _ in range(20):
        if place in (0, len(text)) or text[place - 1 if step < 0 else place].isspace():
            break
        place += step
    return place


def _pieces(line: str, hit: re.Pattern[str]) -> Iterator[Piece]:
    end = 0
    for found in hit.finditer(line):
        if found.start() > end:
            yield Piece(line[end : found.start()])
        yield Piece(found[0], hit=True)
        end = found.end()
    if end < len(line):
        yield Piece(line[end:])
