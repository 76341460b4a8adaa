"""Cuts texts into passages and ranks them against a question with BM25: words, no vectors, a few milliseconds.

BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the inverse
document frequency of Lucene, which is never negative.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from apps.search.values import Passage
from apps.search.words import content_words

SHORT = 280  # paragraphs below this many characters are joined with what follows
LONG = 900  # and above this many are cut at the end of a sentence
MOST_PASSAGES = 400  # of one page
K1, B = 1.4, 0.6
SAID_IN_TITLE = 0.35  # of a word's weight counts where only the page's title says it
_PARAGRAPH = re.compile(r"[^\n]+")
_SENTENCE_END = re.compile(r"[.!?…。\uff01\uff1f][\"'\u201d\u2019)\]]*\s+|[。\uff01\uff1f]")


def passages_cut(text: str) -> list[Passage]:
    """A text as passages of one or several paragraphs, in order; each is a piece of the text to the letter."""
    found: list[Passage] = []
    for start, end in _joined(_pieces(text)):
        if len(found) == MOST_PASSAGES:
            break
        found.append(Passage(start, end, text[start:end]))
    return found


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs, and of long ones parts that end with a sentence."""
    for paragraph in _PARAGRAPH.finditer(text):
        start, end = paragraph.span()
        while end - start > LONG:
            cut = _cut(text, start)
            yield start, cut
            start = cut
        if text[start:end].strip():
            yield start, end


def _cut(text: str, start: int) -> int:
    """Where a part that begins at `start` ends: after the last sentence that fits, else after the last word."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text, start + SHORT, start + LONG)]
    if ends:
        return ends[-1]
    space = text.rfind(" ", start + SHORT, start + LONG)
    return space + 1 if space > 0 else start + LONG


def _joined(pieces: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Neighbours put together until they are long enough to say something."""
    held: tuple[int, int] | None = None
    for start, end in pieces:
        if held is not None and end - held[0] <= LONG:
            held = held[0], end
        else:
            if held is not None:
                yield held
            held = start, end
        if held[1] - held[0] >= SHORT:
            yield held
            held = None
    if held is not None:
        yield held


def passages_rank(query: str, texts: Sequence[tuple[str, Sequence[Passage]]]) -> list[list[Passage]]:
    """For each text (its title, its passages) its passages that share a word with the question, best first.

    Scores are comparable between texts: rare words count more, and rare means rare among all passages given.
    """
    wanted = list(dict.fromkeys(content_words(query)))
    counted = [[Counter(content_words(passage.text)) for passage in passages] for _, passages in texts]
    flat = [counts for group in counted for counts in group]
    if not wanted or not flat:
        return [[] for _ in texts]
    weights = _weights(wanted, flat)
    average = sum(counts.total() for counts in flat) / len(flat) or 1.0
    ranked: list[list[Passage]] = []
    for (title, passages), group in zip(texts, counted, strict=True):
        named = set(content_words(title))
        scored = [
            replace(passage, score=round(_score(weights, counts, named, average), 4))
            for passage, counts in zip(passages, group, strict=True)
        ]
        ranked.append(sorted((p for p in scored if p.score > 0), key=lambda p: (-p.score, p.start)))
    return ranked


def _weights(wanted: Sequence[str], flat: Sequence[Counter[str]]) -> dict[str, float]:
    total = len(flat)
    having = {word: sum(word in counts for counts in flat) for word in wanted}
    return {word: math.log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in having.items()}


def _score(weights: dict[str, float], counts: Counter[str], named: set[str], average: float) -> float:
    length = 1 - B + B * counts.total() / average
    score = said = 0.0
    for word, weight in weights.items():
        if times := counts[word]:
            said += weight
            score += weight * times * (K1 + 1) / (times + K1 * length)
        elif word in named:
            score += SAID_IN_TITLE * weight
    return score if said else 0.0
