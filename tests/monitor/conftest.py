"""The people of the admin, for the pages of it that look at all of Nitro."""

from __future__ import annotations

from tests.core.office.conftest import office, staff

__all__ = ["office", "staff"]
