"""Files of speech that no row knows, such as those of accounts that are gone: removed once they are a day old."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.files.storage import default_storage

from apps.core import stored
from apps.voice import selectors

FOLDER = "voice"
NAME = re.compile(r"voice/\d+/(clips/)?[0-9a-f]{32}\.[a-z0-9]{2,5}")
AGE = timedelta(days=1)


def files_tidy(*, now: datetime) -> int:
    """Remove them, a person's folder at a time; returns how many."""
    return sum(_tidy([*_files(folder), *_files(f"{folder}/clips")], now) for folder in _folders())


def _folders() -> Iterator[str]:
    try:
        people = default_storage.listdir(FOLDER)[0]
    except FileNotFoundError:
        return
    yield from (f"{FOLDER}/{person}" for person in people)


def _files(folder: str) -> list[str]:
    try:
        return [f"{folder}/{name}" for name in default_storage.listdir(folder)[1]]
    except FileNotFoundError:
        return []


def _tidy(found: list[str], now: datetime) -> int:
    ours = [name for name in found if NAME.fullmatch(name)]
    unknown = sorted(set(ours) - selectors.files_known(names=ours))
    old = [name for name in unknown if now - default_storage.get_modified_time(name) > AGE]
    stored.delete(old)
    return len(old)
