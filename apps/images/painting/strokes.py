"""Paints a composed picture with brushes, from the coarse to the fine: the passes are the steps one can watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Field = NDArray[np.float32]
FINER = 1.5  # strokes are drawn on a larger canvas, whose edges become smooth when it is made smaller
LARGEST_CANVAS = 2600
Progress = Callable[[float, Image.Image], None]


def paint(light: Field, random: np.random.Generator, passes: int, progress: Progress) -> Image.Image:
    """Paint it in so many passes; `progress` gets the part that is done and the picture so far."""
    height, width = light.shape[:2]
    finer = min(FINER, LARGEST_CANVAS / max(height, width))
    size = (round(width * finer), round(height * finer))
    motif = Image.fromarray((np.clip(light, 0, 1) * 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    angles = _angles(light, random)
    canvas = motif.filter(ImageFilter.GaussianBlur(max(size) / 28))
    for number, brush in enumerate(_brushes(passes, min(size))):
        _cover(canvas, motif, angles, random, brush)
        progress((number + 1) / passes, canvas)
    fine = motif.resize((width, height), Image.Resampling.LANCZOS)
    painted = canvas.resize((width, height), Image.Resampling.LANCZOS)
    return Image.blend(painted, fine, 0.34).filter(ImageFilter.UnsharpMask(radius=1.6, percent=55, threshold=2))


def _brushes(passes: int, size: int) -> Iterator[float]:
    """Widths of brushes, from a twentieth of the picture down to a few dots."""
    for number in range(passes):
        part = number / max(1, passes - 1)
        yield max(2.0, size / 22 * (size / 22 / 3.0) ** -part)


def _angles(light: Field, random: np.random.Generator) -> Field:
    """Which way strokes run: along edges, and where there are none a little as the wind blows."""
    grey = np.asarray(
        Image.fromarray((light.mean(axis=2) * 255).clip(0, 255).astype(np.uint8)).filter(
            ImageFilter.GaussianBlur(max(light.shape) / 160)
        ),
        dtype=np.float32,
    )
    down, across = np.gradient(grey)
    calm = np.hypot(down, across) < 0.35
    wind = random.uniform(-0.25, 0.25)
    angles: Field = np.where(calm, wind, np.arctan2(down, across) + np.pi / 2).astype(np.float32)
    return angles


def _cover(canvas: Image.Image, motif: Image.Image, angles: Field, random: np.random.Generator, brush: float) -> None:
    """One pass: strokes where the picture does not look like the motif yet, in the motif's colours."""
    width, height = motif.size
    count = int(min(9000, width * height / (brush * brush * 2.2)))
    x, y = random.random(count) * width, random.random(count) * height
    wanted = np.asarray(motif)[y.astype(int), x.astype(int)].astype(np.int16)
    there = np.asarray(canvas)[y.astype(int), x.astype(int)].astype(np.int16)
    needed = np.abs(wanted - there).sum(axis=1) > 14
    rows = (y / height * angles.shape[0]).astype(int).clip(0, angles.shape[0] - 1)
    columns = (x / width * angles.shape[1]).astype(int).clip(0, angles.shape[1] - 1)
    turn = angles[rows, columns] + random.normal(0, 0.18, count)
    reach = brush * random.uniform(0.8, 2.2, count)
    colours = np.clip(wanted + random.normal(0, 5, (count, 3)), 0, 255).astype(np.uint8)
    dx, dy = np.cos(turn) * reach, np.sin(turn) * reach
    draw = ImageDraw.Draw(canvas)
    thick = max(1, round(brush))
    for place in np.flatnonzero(needed):
        ends = [x[place] - dx[place], y[place] - dy[place], x[place] + dx[place], y[place] + dy[place]]
        draw.line(ends, fill=tuple(int(channel) for channel in colours[place]), width=thick)
