"""Values as bytes, unambiguously: equal values give equal bytes, and no other value gives them.

Every part is led by its kind and its length, so that nothing inside of a text can look like the end of it. Texts are
taken letter by letter: what only looks alike is something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass


def canonical(value: object) -> bytes:
    """The bytes of a value made of dataclasses, mappings, sequences, texts, bytes, numbers, booleans and None.

    The order of a mapping's entries does not count. Raises TypeError for anything else.
    """
    return b"".join(_parts(value))


def _parts(value: object) -> Iterator[bytes]:
    match value:
        case None:
            yield b"n;"
        case bool():
            yield b"t;" if value else b"f;"
        case int() | float():
            yield from _leaf(b"d", _number(value))
        case str():
            yield from _leaf(b"s", value.encode("utf-8", "surrogatepass"))
        case bytes():
            yield from _leaf(b"b", value)
        case list() | tuple():
            yield b"l%d:" % len(value)
            for item in value:
                yield from _parts(item)
        case Mapping():
            yield b"m%d:" % len(value)
            yield from sorted(canonical(key) + canonical(item) for key, item in value.items())
        case _:
            yield from _record(value)


def _record(value: object) -> Iterator[bytes]:
    """A dataclass is its name and its fields by name."""
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} has no canonical form")
    yield from _leaf(b"o", type(value).__name__.encode())
    yield from _parts({field.name: getattr(value, field.name) for field in fields(value)})


def _leaf(kind: bytes, content: bytes) -> Iterator[bytes]:
    yield b"%b%d:" % (kind, len(content))
    yield content


def _number(value: float) -> bytes:
    """1 and 1.0 are the same number."""
    return str(int(value) if float(value).is_integer() else value).encode()
