"""Where apps leave the names of their own checks for `nitro doctor`; they are imported when it looks."""

from __future__ import annotations

_names: list[str] = []


def also(name: str) -> None:
    """The dotted name of a function that gives a list of `diagnosis.Finding`; harmless to repeat."""
    if name not in _names:
        _names.append(name)


def names() -> tuple[str, ...]:
    """In the order in which they came."""
    return tuple(_names)
