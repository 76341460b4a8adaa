"""Whether this process is about to stop: the one flag that doors read before they begin something new."""

from __future__ import annotations

_draining = False


def begin() -> None:
    """From now on no new turn begins here; what runs may finish."""
    global _draining
    _draining = True


def reset() -> None:
    """As if nothing had been said; for tests."""
    global _draining
    _draining = False


def is_draining() -> bool:
    """True once the process was asked to stop."""
    return _draining
