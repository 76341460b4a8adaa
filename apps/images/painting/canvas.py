"""The picture while it is composed: an array of light, and the ways to lay something over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.images.painting.palettes import Palette
from apps.images.painting.words import Colour, Reading

Field = NDArray[np.float32]
AnyField = NDArray[np.floating[Any]]


@dataclass(slots=True)
class Canvas:
    """`light` is height × width × 3 from 0 to 1; `horizon` is a row; `sun` a place in columns and rows."""

    light: Field
    reading: Reading
    palette: Palette
    random: np.random.Generator
    horizon: int
    sun: tuple[float, float]

    @property
    def height(self) -> int:
        return int(self.light.shape[0])

    @property
    def width(self) -> int:
        return int(self.light.shape[1])

    def rows(self) -> Field:
        return np.arange(self.height, dtype=np.float32)[:, None]

    def columns(self) -> Field:
        return np.arange(self.width, dtype=np.float32)[None, :]

    def lay(self, colour: AnyField | Colour, cover: AnyField) -> None:
        """Cover with a colour, or with a field of colours, as far as `cover` (0 to 1 for each place) says."""
        over = np.asarray(colour, dtype=np.float32)
        part = cover[..., None]
        self.light *= 1 - part
        self.light += over * part

    def glow(self, colour: Colour, strength: AnyField) -> None:
        """Add light, which never gets brighter than white."""
        over = np.asarray(colour, dtype=np.float32) * strength[..., None]
        self.light += over * (1 - np.clip(self.light, 0, 1))
