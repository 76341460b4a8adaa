"""Code on the page: its language, its label and its colours, as few spans as the eye needs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache, lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Literal, Name, Operator, Token, _TokenType

LONGEST = 20_000
END = "</code></pre></figure>\n"

# label: the names models use for it. The first name is the one Pygments knows.
_LANGUAGES = {
    "Assembly": "nasm asm assembly", "Bash": "bash sh shell zsh ksh", "C": "c h", "C#": "csharp c# cs",
    "C++": "cpp c++ cc cxx hpp", "Clojure": "clojure clj", "CMake": "cmake", "Console": "console shell-session",
    "CSS": "css", "Dart": "dart", "Diff": "diff patch", "Django": "django jinja jinja2", "Dockerfile": "docker dockerfile",
    "Elixir": "elixir ex exs", "Erlang": "erlang erl", "F#": "fsharp f# fs", "Fortran": "fortran f90", "Go": "go golang",
    "GraphQL": "graphql gql", "Groovy": "groovy gradle", "Haskell": "haskell hs", "HTML": "html htm xhtml svg",
    "INI": "ini cfg conf properties", "Java": "java", "JavaScript": "javascript js mjs cjs node jsx",
    "JSON": "json jsonc json5 jsonl", "Julia": "julia jl", "Kotlin": "kotlin kt kts", "LaTeX": "latex tex",
    "Less": "less", "Lisp": "common-lisp lisp cl", "Lua": "lua", "Makefile": "make makefile", "Markdown": "markdown md",
    "MATLAB": "matlab octave", "Nginx": "nginx", "Nix": "nix", "Objective-C": "objective-c objc objectivec",
    "OCaml": "ocaml ml", "Pascal": "pascal delphi", "Perl": "perl pl", "PHP": "php", "PowerShell": "powershell ps1 pwsh",
    "Protobuf": "protobuf proto", "Python": "python py python3 py3", "Python console": "pycon", "R": "r", "Ruby": "ruby rb",
    "Rust": "rust rs", "Scala": "scala", "SCSS": "scss sass", "Solidity": "solidity", "SQL": "sql mysql postgresql sqlite",
    "Swift": "swift", "Terraform": "terraform hcl tf", "TOML": "toml", "TypeScript": "typescript ts tsx mts",
    "Vim": "vim viml", "XML": "xml xsd xsl xslt", "YAML": "yaml yml", "Zig": "zig",
}  # fmt: skip
_LABELS = {name: label for label, names in _LANGUAGES.items() for name in names.split()}
_PLAIN = {"": "", "text": "Text", "txt": "Text", "plain": "Text", "plaintext": "Text", "csv": "CSV", "math": "LaTeX"}
_NAME = re.compile(r"[\w+#.-]{1,24}")

# The short class names of Pygments, subtypes folded into what is told apart by colour. What is not here has none.
CLASSES: dict[_TokenType, str] = {
    Comment: "c", Comment.Preproc: "cp", Keyword: "k", Keyword.Type: "kt", Operator.Word: "k",
    Name.Attribute: "na", Name.Builtin: "nb", Name.Class: "nc", Name.Constant: "no", Name.Decorator: "nd",
    Name.Exception: "nc", Name.Function: "nf", Name.Tag: "nt", Name.Variable: "nv",
    Literal.String: "s", Literal.String.Escape: "se", Literal.String.Interpol: "se", Literal.Number: "m",
    Generic.Deleted: "gd", Generic.Inserted: "gi", Generic.Heading: "gh", Generic.Subheading: "gh", Generic.Prompt: "gp",
    Generic.Output: "go", Generic.Emph: "ge", Generic.Strong: "gs", Token: "",
}  # fmt: skip


def figure(code: str, info: str, *, highlighted: bool = True) -> str:
    """The code as a figure with its language; `info` is the first line of its fence as the model wrote it."""
    language = _language(info)
    if highlighted and language in _LABELS and len(code) <= LONGEST:
        return head(info) + _highlight(code, language) + END
    return head(info) + html.escape(code, quote=False) + END


def head(info: str) -> str:
    """The start of a figure, up to the first letter of code."""
    language = _language(info)
    label = _LABELS.get(language) or _PLAIN.get(language, language)
    name = html.escape(language)
    return f'<figure class="code" data-language="{name}"><figcaption>{html.escape(label)}</figcaption><pre><code>'


def _language(info: str) -> str:
    word = info.split(maxsplit=1)[0] if info.strip() else ""
    found = _NAME.match(word.lower())
    return found[0] if found else ""


@lru_cache(maxsize=64)
def _highlight(code: str, language: str) -> str:
    return "".join(
        f'<span class="{name}">{html.escape(text, quote=False)}</span>' if name else html.escape(text, quote=False)
        for name, text in _runs(_lexer(language), code)
    )


def _lexer(language: str) -> Lexer:
    name = _LANGUAGES[_LABELS[language]].split()[0]
    return get_lexer_by_name(name, stripnl=False, ensurenl=False)


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
