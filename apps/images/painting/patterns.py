"""Pictures of nothing in particular: noise folded into noise, coloured along a circle of related tones."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from apps.images.painting import noise
from apps.images.painting.canvas import Canvas
from apps.images.painting.palettes import gradient
from apps.images.painting.words import Colour

Field = NDArray[np.float32]


def abstract(canvas: Canvas) -> None:
    """Fold the noise twice, then colour it and draw fine lines along its heights."""
    random, height, width = canvas.random, canvas.height, canvas.width
    base = noise.clouds(random, height, width, cells=2.5, octaves=4)
    folds = [noise.clouds(random, height, width, cells=2, octaves=3) for _ in range(4)]
    warped = _warp(_warp(base, folds[0], folds[1], 0.55), folds[2], folds[3], 0.35)
    swirl = _swirl(canvas) if random.random() < 0.5 else np.zeros_like(warped)
    places = (warped * random.uniform(1.1, 1.9) + swirl) % 1.0
    places = 1 - np.abs(places * 2 - 1)  # there and back, so that no edge shows
    canvas.light[:] = gradient(_tones(canvas), places.astype(np.float32))
    lines = np.exp(-(((warped * random.uniform(9, 16)) % 1 - 0.5) ** 2) / 0.004)
    canvas.glow((1.0, 0.97, 0.90), (lines * 0.16).astype(np.float32))
    before = np.pad(warped, 3, mode="edge")
    slope = np.clip((before[:height, 3:-3] + before[3:-3, :width] - 2 * warped) * 6, -0.5, 0.5)
    canvas.light[:] = np.clip(canvas.light * (1 + slope[..., None]), 0, 1)


def _warp(field: Field, sideways: Field, upwards: Field, reach: float) -> Field:
    height, width = field.shape
    rows = np.arange(height)[:, None] + (upwards - 0.5) * height * reach
    columns = np.arange(width)[None, :] + (sideways - 0.5) * width * reach
    warped: Field = field[_within(rows, height), _within(columns, width)]
    return np.asarray(Image.fromarray(warped).resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)


def _within(places: Field, size: int) -> NDArray[np.int64]:
    """Back from the edge for what lies beyond it."""
    folded = np.abs(places) % (2 * size - 2)
    return np.where(folded >= size, 2 * size - 2 - folded, folded).astype(np.int64)


def _swirl(canvas: Canvas) -> Field:
    x = canvas.columns() / canvas.width - canvas.random.uniform(0.3, 0.7)
    y = canvas.rows() / canvas.height - canvas.random.uniform(0.3, 0.7)
    turns = canvas.random.integers(1, 4)
    angle = np.arctan2(y, x) / (2 * np.pi) * turns
    swirl: Field = (angle + np.sqrt(x**2 + y**2) * canvas.random.uniform(0.6, 2.0)).astype(np.float32)
    return swirl


def _tones(canvas: Canvas) -> tuple[Colour, ...]:
    """Colours that the description names, else neighbours on the circle with one from across it."""
    if len(canvas.reading.colours) >= 2:
        return (*canvas.reading.colours, canvas.palette.light)
    if canvas.reading.colours:
        red, green, blue = canvas.reading.colours[0]
        hue = colorsys.rgb_to_hsv(red, green, blue)[0]
    else:
        hue = float(canvas.random.random())
    turns = ((0.0, 0.75, 0.22), (0.06, 0.70, 0.55), (0.11, 0.55, 0.86), (0.14, 0.22, 0.97), (0.52, 0.60, 0.62))
    return tuple(colorsys.hsv_to_rgb((hue + turn) % 1, strength, bright) for turn, strength, bright in turns)
