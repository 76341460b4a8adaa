"""Files in the gallery's folder that no row knows: looked for once a day, and removed when they are a day old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.files.storage import default_storage

from apps.core import stored
from apps.images import names, selectors

AGE = timedelta(days=1)
AT_ONCE = 500


def files_tidy(*, now: datetime) -> int:
    """Remove them; returns how many."""
    removed = 0
    batch: list[str] = []
    for name in _files():
        batch.append(name)
        if len(batch) >= AT_ONCE:
            removed += _tidy(batch, now)
            batch = []
    return removed + _tidy(batch, now)


def _files() -> Iterator[str]:
    try:
        folders = default_storage.listdir(names.FOLDER)[0]
    except FileNotFoundError:
        return
    for folder in folders:
        yield from default_storage.listdir(f"{names.FOLDER}/{folder}")[1]


def _tidy(batch: list[str], now: datetime) -> int:
    found = [name for name in batch if names.NAME.fullmatch(name)]
    unknown = sorted(set(found) - selectors.names_known(names=found))
    old = [name for name in map(names.stored, unknown) if now - default_storage.get_modified_time(name) > AGE]
    stored.delete(old)
    return len(old)
