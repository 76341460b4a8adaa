"""As the real package's."""

from __future__ import annotations


class HfHubHTTPError(OSError):
    """The hub refused, or the line broke."""
