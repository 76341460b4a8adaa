"""A conversation's title from its first question, without asking a model."""

from __future__ import annotations

import re
import unicodedata

from apps.chat.markdown import plain

NEW_CHAT = "New chat"
LONGEST = 60

_READ = 2000
_FENCED = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")  # noqa: RUF001 (the full stops of Chinese and Japanese)
_GREETING = re.compile(
    r"(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening)|dear \w+|hallo|bonjour|hola)\b.{0,20}", re.I
)
_COMMAND = re.compile(r"\A\s*/image\s+(?=\S)")  # what it asks for is the title, and not how
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


def title_from(text: str) -> str:
    """The first meaningful sentence in at most 60 characters, one line, no markup; never empty."""
    text = _COMMAND.sub("", text[:_READ])
    title = _first_sentence(_FENCED.sub("\n", text)) or _first_sentence(text)
    return _shortened(title) or NEW_CHAT


def _first_sentence(text: str) -> str:
    words = "".join(_visible(letter) for letter in plain(text))
    sentences = [" ".join(s.split()) for s in _SENTENCE_END.split(words)]
    sentences = [s for s in sentences if any(letter.isalnum() for letter in s)] or [s for s in sentences if s]
    while len(sentences) > 1 and _GREETING.fullmatch(sentences[0]):
        del sentences[0]
    return sentences[0] if sentences else ""


def _visible(letter: str) -> str:
    """The letter itself, or nothing for control characters, changes of direction and the like."""
    if letter in "\n\u200d" or letter.isspace():
        return letter
    return "" if unicodedata.category(letter) in _INVISIBLE or letter == "\ufffd" else letter


def _shortened(title: str) -> str:
    title = title.strip(" \u200d").removesuffix(".") if not title.endswith("..") else title.strip()
    if len(title) <= LONGEST:
        return title
    cut = title[: LONGEST - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space >= LONGEST // 2 else cut).rstrip(" ,;:–-\u200d") + "…"
