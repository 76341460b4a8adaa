"""Which providers take no new questions, because an administrator wants it so: the same in all processes.

The rows in PostgreSQL are the truth, so it outlives restarts and holds while Redis is away. A process looks again when
a question comes and its last look is two seconds old; while PostgreSQL is away, what was last known holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from apps.core.database import in_database
from apps.core.errors import DatabaseAway
from apps.llm.errors import Drained

FRESH = 2.0
Reader = Callable[[], Mapping[str, str]]


def from_rows() -> Mapping[str, str]:
    """The drained kinds, and what people are told."""
    from apps.llm import selectors  # not before Django is ready

    return {row.kind: row.reason for row in selectors.drains()}


class Drains:
    """What one process knows of it. Without a `read` nothing is ever drained."""

    def __init__(self, read: Reader | None = None) -> None:
        self._read = read
        self._known: Mapping[str, str] | None = None
        self._until = float("-inf")

    async def fresh(self) -> Mapping[str, str]:
        """The drained kinds and why; one query every two seconds at most."""
        if self._read is None:
            return {}
        if self._known is None or time.monotonic() >= self._until:
            self._until = time.monotonic() + FRESH
            try:
                self._known = await in_database(self._read)
            except DatabaseAway:
                self._known = self._known or {}
        return self._known


def refusal(kind: str, reason: str) -> Drained:
    """What to tell where nobody else can answer."""
    return Drained(f"The provider {kind} takes no new questions right now: {reason}")
