"""Stands in for the package of this name: as much of it as turns samples into numbers."""

from __future__ import annotations

import array
from typing import Any

int16, float32 = "h", "f"


class Sound(list[float]):
    def astype(self, kind: str) -> Any:
        return self

    def __truediv__(self, number: float) -> Any:
        return Sound(value / number for value in self)


def frombuffer(samples: bytes, kind: str) -> Sound:
    return Sound(array.array(kind, samples))
