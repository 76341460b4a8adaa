"""The model files in the folder `models` of the data folder: which of them the built-in engine can offer.

Reads file names and heads, and knows neither Django nor the processes that run the models.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from apps.llm.gguf import Broken, Head, read_head

FOLDER = "models"
SUFFIX = ".gguf"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,119}")
PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})")  # how large models are cut into several files
MOST = 500  # files that are looked at
SLOTS = 2  # conversations at once
LONG, SHORT = 8192, 4096  # tokens of one conversation
DEAR = 2**30  # bytes; from here on conversations get the short context


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that can be started: `size` of all its files in bytes, `path` of the first one."""

    name: str
    path: Path
    size: int
    head: Head

    @property
    def files(self) -> list[Path]:
        """All files of the model."""
        part = PART.fullmatch(self.path.stem)
        return [self.path] if part is None else _parts(self.path, part)

    @property
    def context(self) -> int:
        """The tokens of one conversation with it."""
        wanted = LONG if self.head.cache * LONG * SLOTS <= DEAR else SHORT
        return min(self.head.context or SHORT, wanted)

    @property
    def context_memory(self) -> int:
        """The bytes that all conversations together take, 0 where the file does not tell."""
        return self.head.cache * self.context * SLOTS

    @property
    def parameters(self) -> str:
        """Their number as people say it: 135M, 3.2B."""
        count = self.head.parameters
        if count >= 950_000_000:
            return f"{count / 1e9:.1f}B".replace(".0B", "B")
        return f"{count / 1e6:.0f}M" if count else ""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A file that is not offered, and why, in one sentence."""

    file: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Files:
    """What lies in the folder."""

    models: tuple[LocalModel, ...] = ()
    unusable: tuple[Unusable, ...] = ()


def local_files(home: Path) -> Files:
    """Look through the folder. A file is read once and again only when it has changed. Raises nothing."""
    try:
        paths = sorted(path for path in (home / FOLDER).iterdir() if path.suffix.lower() == SUFFIX)[:MOST]
    except OSError:
        return Files()
    found = [one for path in paths if (one := _looked_at(path)) is not None]
    models = tuple(one for one in found if isinstance(one, LocalModel))
    return Files(models, tuple(one for one in found if isinstance(one, Unusable)))


def local_model(home: Path, name: str) -> LocalModel | None:
    """The model of this name, where there is one that can talk. Never leaves the folder."""
    return next((model for model in local_files(home).models if model.name == name and model.head.talks), None)


def _looked_at(path: Path) -> LocalModel | Unusable | None:
    """None for the later parts of a model that was cut into several files."""
    part = PART.fullmatch(path.stem)
    if part and int(part[2]) != 1:
        return None
    name = part[1] if part else path.stem
    if not NAME.fullmatch(name):
        return Unusable(ascii(path.name), "Its name may hold letters, digits and . _ + - only. Rename it.")
    try:
        marks = [_mark(file) for file in ([path] if part is None else _parts(path, part))]
        head = _head(path, marks[0])
        if isinstance(head, str):
            return Unusable(path.name, f"It cannot be used: {head}.")
    except (OSError, Broken) as problem:
        return Unusable(path.name, f"It cannot be used: {_reason(problem)}.")
    if not (head.talks or head.embeds):
        return Unusable(path.name, "It belongs to another model and cannot talk by itself.")
    return LocalModel(name, path, sum(size for size, _, _ in marks), head)


def _parts(path: Path, part: re.Match[str]) -> list[Path]:
    numbers = range(1, min(int(part[3]), MOST) + 1)
    return [path.with_name(f"{part[1]}-{number:05d}-of-{part[3]}{path.suffix}") for number in numbers]


def _mark(path: Path) -> tuple[int, int, int]:
    """Size, time and number of a plain file; they change with its content."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise Broken("it is not a plain file")
    return found.st_size, found.st_mtime_ns, found.st_ino


@lru_cache(maxsize=MOST)
def _head(path: Path, mark: tuple[int, int, int]) -> Head | str:
    """The head of a file, or what is wrong with it; either is looked up once as long as the file stays the same."""
    try:
        return read_head(path)
    except Broken as problem:
        return str(problem)


def _reason(problem: OSError | Broken) -> str:
    if isinstance(problem, FileNotFoundError):
        return "a part of it is missing"
    return str(problem) if isinstance(problem, Broken) else (problem.strerror or "it cannot be read").lower()
