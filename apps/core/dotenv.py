"""Changes settings in a `.env` and leaves everything else in it as it is: other lines, comments, order."""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from apps.core.errors import NitroError

PLAIN = re.compile(r"[A-Za-z0-9_.,:/@%+-]*")
BACKUP = ".env.backup"


class Unwritable(NitroError):
    """The file cannot be read or written."""

    code = "env_file"
    hint = "Check that the data folder belongs to the user who runs Nitro, and that its disk has room."


def dotenv_write(path: Path, values: Mapping[str, str]) -> list[str]:
    """Set these names in the file and return those that had another value before, or none.

    Where something changes, what was there is kept beside it as `.env.backup`; the new file is written aside and then
    renamed, readable by its owner alone. A link is followed. Raises `Unwritable`.
    """
    unspeakable = [name for name, value in values.items() if not PLAIN.fullmatch(value)]
    if unspeakable:
        raise ValueError(f"a value that would have to be quoted: {unspeakable}")
    target = Path(os.path.realpath(path))
    try:
        before = target.read_bytes().decode("utf-8") if target.exists() else ""
        after, changed = changed_text(before, values)
        if changed:
            if before:
                _replace(target.with_name(BACKUP), before)
            _replace(target, after)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise Unwritable(f"{path} cannot be changed: {reason}.") from error
    return changed


def changed_text(before: str, values: Mapping[str, str]) -> tuple[str, list[str]]:
    """The file's text with the values in it, and the names whose value is another one now.

    Where a name stands several times the last one counts, and is the one that is changed.
    """
    parts: list[str] = []
    places: dict[str, int] = {}
    known: dict[str, str | None] = {}
    for binding in parse_stream(io.StringIO(before, newline="")):
        if binding.key is not None and binding.key in values and not binding.error:
            places[binding.key], known[binding.key] = len(parts), binding.value
        parts.append(binding.original.string)
    changed = [name for name, value in values.items() if known.get(name) != value]
    for name in (name for name in changed if name in places):
        parts[places[name]] = _line(parts[places[name]], name, values[name])
    missing = [name for name in changed if name not in places]
    text = "".join(parts)
    newline = "\r\n" if "\r\n" in text else "\n"
    if missing and text and not text.endswith("\n"):
        text += newline
    return text + "".join(f"{name}={values[name]}{newline}" for name in missing), changed


def _line(old: str, name: str, value: str) -> str:
    """The line in its new form; blank lines before it, a leading `export` and its kind of line end are kept."""
    start = re.match(r"\s*(?:export[^\S\r\n]+)?", old)
    end = re.search(r"(?:\r\n|\n|\r)?\Z", old)
    return f"{start[0] if start else ''}{name}={value}{end[0] if end else ''}"


def _replace(path: Path, text: str) -> None:
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".env-")  # 0600 from the beginning
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError:
        os.unlink(aside)
        raise
