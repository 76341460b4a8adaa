"""Where runs are kept: files are written aside and then named, so that nobody reads half a report."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.gains.page import page

FOLDER = "bench"


def keep(home: Path, shown: Mapping[str, Any]) -> Path:
    """The last run of an installation; returns the page of it, which `/performance/` links."""
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "last.json", json.dumps(shown, indent=1))
    write(folder / "last.html", page(shown))
    return folder / "last.html"


def write(path: Path, text: str) -> None:
    """All of it or nothing."""
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(aside, 0o644)
        os.replace(aside, path)
    except OSError:
        os.unlink(aside)
        raise
