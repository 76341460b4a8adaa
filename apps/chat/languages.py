"""The languages of code that get a label and colours."""

from __future__ import annotations

# Label: the names that models use for it, the one that Pygments knows first.
LANGUAGES = {
    "Assembly": "nasm asm assembly",
    "Bash": "bash sh shell zsh ksh",
    "C": "c h",
    "C#": "csharp c# cs",
    "C++": "cpp c++ cc cxx hpp",
    "Clojure": "clojure clj",
    "CMake": "cmake",
    "Console": "console shell-session",
    "CSS": "css",
    "Dart": "dart",
    "Diff": "diff patch",
    "Django": "django jinja jinja2",
    "Dockerfile": "docker dockerfile",
    "Elixir": "elixir ex exs",
    "Erlang": "erlang erl",
    "F#": "fsharp f# fs",
    "Fortran": "fortran f90",
    "Go": "go golang",
    "GraphQL": "graphql gql",
    "Groovy": "groovy gradle",
    "Haskell": "haskell hs",
    "HTML": "html htm xhtml svg",
    "INI": "ini cfg conf properties",
    "Java": "java",
    "JavaScript": "javascript js mjs cjs node jsx",
    "JSON": "json jsonc json5 jsonl",
    "Julia": "julia jl",
    "Kotlin": "kotlin kt kts",
    "LaTeX": "latex tex",
    "Less": "less",
    "Lisp": "common-lisp lisp cl",
    "Lua": "lua",
    "Makefile": "make makefile",
    "Markdown": "markdown md",
    "Nginx": "nginx",
    "Nix": "nix",
    "Objective-C": "objective-c objc objectivec",
    "OCaml": "ocaml ml",
    "Pascal": "pascal delphi",
    "Perl": "perl pl",
    "PHP": "php",
    "PowerShell": "powershell ps1 pwsh",
    "Protobuf": "protobuf proto",
    "Python": "python py python3 py3",
    "Python console": "pycon",
    "R": "r",
    "Ruby": "ruby rb",
    "Rust": "rust rs",
    "Scala": "scala",
    "SCSS": "scss sass",
    "Solidity": "solidity",
    "SQL": "sql mysql postgresql sqlite",
    "Swift": "swift",
    "Terraform": "terraform hcl tf",
    "TOML": "toml",
    "TypeScript": "typescript ts tsx mts",
    "Vim": "vim viml",
    "XML": "xml xsd xsl xslt",
    "YAML": "yaml yml",
    "Zig": "zig",
}

# Labels without colours. (The lexer for MATLAB took more than six seconds for twenty thousand blank lines.)
PLAIN = {
    "": "",
    "csv": "CSV",
    "math": "LaTeX",
    "matlab": "MATLAB",
    "octave": "MATLAB",
    "plain": "Text",
    "plaintext": "Text",
    "text": "Text",
    "txt": "Text",
}

LABELS = {name: label for label, names in LANGUAGES.items() for name in names.split()}


def canonical(name: str) -> str:
    """The one name of a language that has many; any other name as it is."""
    return LANGUAGES[LABELS[name]].split()[0] if name in LABELS else name
