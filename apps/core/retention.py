"""What is let go when nobody has used it for SESSION_RETENTION_DAYS: each app names its own, and how to hide it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

AT_ONCE = 500  # rows that one statement hides, so that no table is locked for long


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of things that grow old.

    `idle` says how many were last used before a time; `hide` hides at most so many of them, and says how many it did.
    What is hidden can still be brought back; the app's own purge removes it for good later.
    """

    name: str
    idle: Callable[[datetime], int]
    hide: Callable[[datetime, int], int]


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Make a kind known; an app does so when it is ready."""
    _kinds[kind.name] = kind


def idle(before: datetime) -> dict[str, int]:
    """How much would be let go, by kind."""
    return {kind.name: kind.idle(before) for kind in _kinds.values()}


def hide(before: datetime) -> dict[str, int]:
    """Let go of it, a few rows at a time; returns how much, by kind."""
    return {kind.name: _hide_all(kind, before) for kind in _kinds.values()}


def _hide_all(kind: Kind, before: datetime) -> int:
    total = 0
    while count := kind.hide(before, AT_ONCE):
        total += count
    return total
