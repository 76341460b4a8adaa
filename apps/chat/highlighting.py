"""Code on the page: its language, its label and its colours, as few spans as the eye needs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from time import thread_time

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Literal, Name, Operator, Token, _TokenType

from apps.chat.languages import LABELS, PLAIN, canonical

LONGEST = 20_000
_LONGEST_LINE = 1000
# Ordinary code takes about 2 microseconds a letter; a machine may be some times slower.
_SECONDS_PER_LETTER = 15e-6
_SECONDS = 0.02
END = "</code></pre></figure>\n"

Coloured = tuple[_TokenType, str]

_NAME = re.compile(r"[\w+#.-]{1,24}")

# The short class names of Pygments, subtypes folded into what is told apart by colour. What is not here has none.
CLASSES: dict[_TokenType, str] = {
    Comment: "c",
    Comment.Preproc: "cp",
    Keyword: "k",
    Keyword.Type: "kt",
    Operator.Word: "k",
    Name.Attribute: "na",
    Name.Builtin: "nb",
    Name.Class: "nc",
    Name.Constant: "no",
    Name.Decorator: "nd",
    Name.Exception: "nc",
    Name.Function: "nf",
    Name.Tag: "nt",
    Name.Variable: "nv",
    Literal.String: "s",
    Literal.String.Escape: "se",
    Literal.String.Interpol: "se",
    Literal.Number: "m",
    Generic.Deleted: "gd",
    Generic.Inserted: "gi",
    Generic.Heading: "gh",
    Generic.Subheading: "gh",
    Generic.Prompt: "gp",
    Generic.Output: "go",
    Generic.Emph: "ge",
    Generic.Strong: "gs",
    Token: "",
}


def figure(code: str, info: str, *, highlighted: bool = True) -> str:
    """The code as a figure with its language; `info` is the first line of its fence as the model wrote it."""
    language = _language(info)
    coloured = None
    if highlighted and language in LABELS and len(code) <= LONGEST and max(map(len, code.split("\n"))) <= _LONGEST_LINE:
        coloured = _highlight(code, language)
    return head(info) + (html.escape(code, quote=False) if coloured is None else coloured) + END


def head(info: str) -> str:
    """The start of a figure, up to the first letter of code."""
    language = _language(info)
    label = LABELS.get(language) or PLAIN.get(language, language)
    name = html.escape(language)
    return f'<figure class="code" data-language="{name}"><figcaption>{html.escape(label)}</figcaption><pre><code>'


def _language(info: str) -> str:
    word = info.split(maxsplit=1)[0] if info.strip() else ""
    found = _NAME.match(word.lower())
    return canonical(found[0]) if found else ""


@lru_cache(maxsize=64)
def _highlight(code: str, language: str) -> str | None:
    """The code in colours; None where that would take too long."""
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    try:
        runs = list(_runs(_in_time(lexer.get_tokens(code), len(code))))
    except TimeoutError:
        return None
    return "".join(
        f'<span class="{name}">{html.escape(text, quote=False)}</span>' if name else html.escape(text, quote=False)
        for name, text in runs
    )


def _in_time(tokens: Iterable[Coloured], length: int) -> Iterator[Coloured]:
    """The tokens; TimeoutError when they take more than the time of this thread that so many letters may take.

    Some lexers of Pygments take a time quadratic in the length for code like twenty thousand slashes.
    """
    end = thread_time() + _SECONDS_PER_LETTER * length + _SECONDS
    for count, token in enumerate(tokens):
        if count % 16 == 0 and thread_time() > end:
            raise TimeoutError
        yield token


def _runs(tokens: Iterable[Coloured]) -> Iterator[tuple[str, str]]:
    """The code in pieces of one colour each."""
    current, texts = "", [""]
    for kind, text in tokens:
        name = _class(kind)
        if name != current and text.strip():
            yield current, "".join(texts)
            current, texts = name, []
        texts.append(text)
    yield current, "".join(texts)


@cache
def _class(kind: _TokenType) -> str:
    while kind not in CLASSES and kind.parent is not None:
        kind = kind.parent
    return CLASSES.get(kind, "")
