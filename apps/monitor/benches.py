"""The last run of `nitro bench`, as that command has kept it in the data folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

FOLDER, PAGE = "bench", "last.html"
# The one page with a style of its own: nothing else may load or run, wherever its words come from.
POLICY = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'none'"],
    "sandbox": [""],
}


def path() -> Path:
    """Where the page of the last run is."""
    return Path(settings.NITRO_HOME) / FOLDER / PAGE


def measured_at() -> datetime | None:
    """When the last run was kept; None where there was none."""
    try:
        return datetime.fromtimestamp(path().stat().st_mtime, UTC)
    except OSError:
        return None


def page() -> bytes | None:
    """The page of the last run; None where there was none."""
    try:
        return path().read_bytes()
    except OSError:
        return None
