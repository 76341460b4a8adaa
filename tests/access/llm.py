"""Who may do what at the addresses of models, and what there is of Alice."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import User
from tests.access.table import Row

ROWS: tuple[Row, ...] = ()


def things(alice: User) -> dict[str, Any]:
    """What Alice has here, by the names of the addresses' parameters."""
    return {}


def kept() -> list[Any]:
    """The rows of Alice, to see whether somebody has changed them."""
    return []
