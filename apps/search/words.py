"""From text to the words that a search compares: folded, without accents, and roughly without endings."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LETTERS = re.compile(r"[^\W_]+")
_WORD = re.compile(r"[^\W_]+(?:[.,][0-9]+)*")
_WITHOUT_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_ENDINGS = ("ings", "ing", "ies", "ed", "es", "en", "er", "s", "e", "n")
SHORTEST_STEM = 4
MOST_WORDS = 16  # of a question that a query of the database has

# Words that every text has. They say what language somebody writes and nothing about what.
STOPWORDS = frozenset(
    (
        "a about after all also an and any are as at be because been before being but by can could did do "
        "does for from get had has have he her his how i if in into is it its just like many me more most "
        "much my no not of on one or other our out over she should so some such than that the their them then "
        "there these they this those to too up us was we were what when where which who whom whose why will "
        "with would you your aber als am an auch auf aus bei bin bis da das dass dem den der des die doch du "
        "durch ein eine einem einen einer er es fur haben hat ich ihr im in ist ja kann kein man mich mit "
        "nach nicht noch nur oder sein sich sie sind so uber um und uns vom von vor war warum was wenn wer "
        "wie wir wird wo zu zum zur au aux avec ce ces dans de du elle en est et il ils je la le les leur "
        "mais ne nous on ou par pas pour qu que qui sa se ses son sont sur un une vous comment quand al con "
        "como cual cuando de del donde el ella en es esta este la las lo los mas muy no o para pero por que "
        "quien se ser si su sus un una y ya che chi come cosa da dei del della di e gli il la le lo nel non "
        "per quale quando sono sul tra un una "
    ).split()
)


def content_words(text: str) -> list[str]:
    """The words that carry what a text is about, folded; text without spaces in pairs of letters."""
    return [form for raw in _WORD.findall(_folded(text)) if raw not in STOPWORDS for form in _forms(raw)]


def any_of(text: str) -> str:
    """A query of PostgreSQL's that finds texts with any word of this one, in any of its endings; empty for no words."""
    found = [_stem(raw) for raw in _LETTERS.findall(text.casefold()) if _folded(raw) not in STOPWORDS]
    return " | ".join(f"{word}:*" for word in dict.fromkeys(found[:MOST_WORDS]))


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


@lru_cache(maxsize=20_000)
def _forms(word: str) -> tuple[str, ...]:
    if _WITHOUT_SPACES.search(word):
        return tuple(word[at : at + 2] for at in range(max(1, len(word) - 1)))
    return (_stem(word),)


def _stem(word: str) -> str:
    if word[0].isdigit():
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return word[: -len(ending)]
    return word
