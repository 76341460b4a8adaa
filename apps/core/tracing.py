"""One name for everything that a request sets off, from the page to the worker: so its lines in the log are found."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Request-ID"
SOUND = re.compile(r"[A-Za-z0-9_-]{8,64}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def begin(given: str = "") -> str:
    """Name what begins now: as the caller did (a proxy, say) where that is a sound name, else anew."""
    name = given if SOUND.fullmatch(given) else uuid.uuid4().hex[:16]
    _current.set(name)
    return name


def go_on(name: str) -> None:
    """What follows belongs to that request; to none where the name is empty."""
    _current.set(name if SOUND.fullmatch(name) else "")


@contextmanager
def during(name: str) -> Iterator[None]:
    """What is done in the block belongs to that request: a worker does the jobs of many, one after the other."""
    before = _current.set(name if SOUND.fullmatch(name) else "")
    try:
        yield
    finally:
        _current.reset(before)


def current() -> str:
    """The name of the request that this belongs to, "" for none."""
    return _current.get()


class Names(logging.Filter):
    """Writes the request's name into every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current()
        return True
