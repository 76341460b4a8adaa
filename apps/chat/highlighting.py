"""Code on the page: its language, its label and its colours, as few spans as the eye needs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache, lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Literal, Name, Operator, Token, _TokenType

from apps.chat.languages import LABELS, PLAIN, canonical

LONGEST = 20_000
END = "</code></pre></figure>\n"

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
    if highlighted and language in LABELS and len(code) <= LONGEST:
        return head(info) + _highlight(code, language) + END
    return head(info) + html.escape(code, quote=False) + END


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
def _highlight(code: str, language: str) -> str:
    return "".join(
        f'<span class="{name}">{html.escape(text, quote=False)}</span>' if name else html.escape(text, quote=False)
        for name, text in _runs(get_lexer_by_name(language, stripnl=False, ensurenl=False), code)
    )


def _runs(lexer: Lexer, code: str) -> Iterator[tuple[str, str]]:
    """The code in pieces of one colour each."""
    current, texts = "", [""]
    for kind, text in lexer.get_tokens(code):
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
