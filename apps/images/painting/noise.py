"""Smooth noise in one and two dimensions: what clouds, ridges and waves are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.float32]


def grain(random: np.random.Generator, height: int, width: int, cells: float, stretch: float = 1.0) -> Field:
    """Noise from 0 to 1 with about so many cells over the height; `stretch` draws it out sideways."""
    rows = max(2, round(cells))
    columns = max(2, round(cells * width / height / stretch))
    coarse = random.random((rows + 1, columns + 1), dtype=np.float32)
    fine = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(fine, dtype=np.float32), 0.0, 1.0)


def clouds(
    random: np.random.Generator, height: int, width: int, *, cells: float = 3, octaves: int = 6, stretch: float = 1.0
) -> Field:
    """Fractal noise from 0 to 1: each octave twice as fine and half as strong."""
    total = np.zeros((height, width), dtype=np.float32)
    strength, sum_of_strengths = 1.0, 0.0
    for octave in range(octaves):
        if octave and cells * 2**octave > height:
            break
        total += strength * grain(random, height, width, cells * 2**octave, stretch)
        sum_of_strengths += strength
        strength *= 0.5
    total /= sum_of_strengths
    low, high = float(total.min()), float(total.max())
    spread: Field = (total - low) / max(high - low, 1e-6)
    return spread


def ridge(random: np.random.Generator, width: int, *, cells: float = 3, roughness: float = 0.5) -> Field:
    """A line of heights from 0 to 1, as of hills seen from afar; the higher the roughness, the more rugged."""
    places = np.linspace(0, 1, width, dtype=np.float32)
    total = np.zeros(width, dtype=np.float32)
    strength, knots = 1.0, cells
    while knots < width / 3:
        count = int(knots) + 2
        heights = random.random(count)
        x = places * (count - 1)
        left = np.minimum(x.astype(int), count - 2)
        part = x - left
        if roughness < 0.45:
            part = part * part * (3 - 2 * part)
        total += (strength * (heights[left] * (1 - part) + heights[left + 1] * part)).astype(np.float32)
        strength *= roughness
        knots *= 2.0
    total -= total.min()
    scaled: Field = total / max(float(total.max()), 1e-6)
    return scaled
