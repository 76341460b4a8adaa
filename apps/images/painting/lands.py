"""The lower half of a picture, from far to near: mountains, hills, dunes, sea, flowers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.images.painting import noise
from apps.images.painting.canvas import Canvas
from apps.images.painting.words import Colour

Field = NDArray[np.float32]
PETALS = ((0.86, 0.20, 0.22), (0.95, 0.78, 0.25), (0.72, 0.42, 0.78), (0.97, 0.93, 0.90))
SNOW = (0.96, 0.97, 0.99)


def tone(canvas: Canvas, depth: float) -> Field:
    """The colour of land: `depth` 0 is far, in haze, and 1 is near."""
    far = np.asarray(canvas.palette.far, dtype=np.float32)
    near = np.asarray(canvas.palette.near, dtype=np.float32)
    haze = np.asarray(canvas.palette.haze, dtype=np.float32)
    base = far * (1 - depth) + near * depth
    part = 0.55 * (1 - depth) ** 1.5
    mixed: Field = base * (1 - part) + haze * part
    return mixed


def below(canvas: Canvas, line: Field) -> Field:
    """How much of each place lies under a line of rows; its edge is smooth."""
    cover: Field = np.clip(canvas.rows() - line[None, :] + 0.5, 0, 1).astype(np.float32)
    return cover


def range_of(canvas: Canvas, depth: float, top: float, height: float, roughness: float, cells: float) -> Field:
    """One line of land; `top` and `height` are parts of the picture's height. Returns its rows."""
    heights = noise.ridge(canvas.random, canvas.width, cells=cells, roughness=roughness)
    line: Field = (canvas.height * (top - heights * height)).astype(np.float32)
    cover = below(canvas, line)
    colour = np.broadcast_to(tone(canvas, depth), canvas.light.shape).copy()
    grain = noise.clouds(canvas.random, canvas.height, canvas.width, cells=14, octaves=4, stretch=1.6)
    colour *= (1 + (grain[..., None] - 0.5) * 0.28).astype(np.float32)
    mist = np.clip((canvas.rows() - line[None, :]) / (canvas.height * 0.24), 0, 1) * 0.45 * (1 - depth)
    colour = colour * (1 - mist[..., None]) + np.asarray(canvas.palette.haze, dtype=np.float32) * mist[..., None]
    canvas.lay(np.clip(colour, 0, 1).astype(np.float32), cover)
    return line


def mountains(canvas: Canvas) -> None:
    """Three ranges, one before the other, with light on the slopes that look to the sun."""
    base = canvas.horizon / canvas.height
    for number in range(3):
        depth = 0.10 + number * 0.24
        height = (0.34 - number * 0.07) * canvas.random.uniform(0.8, 1.1)
        line = range_of(canvas, depth, base + 0.05 + number * 0.05, height, 0.55, 2.2 + number)
        _slopes(canvas, line, depth)
        if canvas.reading.has("snow") or (number == 0 and canvas.reading.hour != "night"):
            _snow(canvas, line, 0.62 if canvas.reading.has("snow") else 0.42)


def _slopes(canvas: Canvas, line: Field, depth: float) -> None:
    grain = noise.clouds(canvas.random, canvas.height, canvas.width, cells=9, octaves=5)
    towards = np.where(canvas.columns() < canvas.sun[0], 1.0, -1.0)
    slope = np.roll(grain, 3, axis=1) - grain
    lit = np.clip(slope * towards * 9 + 0.1, 0, 1) * below(canvas, line)
    reach = np.exp(-(canvas.rows() - line[None, :]).clip(0) / (canvas.height * 0.12))
    canvas.glow(canvas.palette.light, (lit * reach * 0.42 * (1 - depth * 0.6)).astype(np.float32))


def _snow(canvas: Canvas, line: Field, reach: float) -> None:
    grain = noise.clouds(canvas.random, canvas.height, canvas.width, cells=16, octaves=4)
    depth = (canvas.rows() - line[None, :]) / canvas.height
    top = np.clip((float(line.max()) - line) / max(float(np.ptp(line)), 1.0), 0, 1)[None, :]
    cover = np.clip((reach * 0.20 * top**1.6 - depth) * 26 + (grain - 0.5) * 3.0, 0, 1) * below(canvas, line)
    shade = np.asarray(canvas.palette.haze, dtype=np.float32) * 0.35 + np.asarray(SNOW, dtype=np.float32) * 0.65
    canvas.lay(shade * (0.62 if canvas.reading.hour == "night" else 1.0), (cover * 0.9).astype(np.float32))


def hills(canvas: Canvas) -> None:
    """Soft hills; by day they are green."""
    base = canvas.horizon / canvas.height
    for number in range(4):
        depth = 0.22 + number * 0.25
        range_of(canvas, min(depth, 1), base + 0.03 + number * 0.12, 0.13, 0.36, 2 + number * 0.6)
    if canvas.reading.has("snow"):
        cover = np.clip((canvas.rows() / canvas.height - base - 0.05) * 1.6, 0, 0.75)
        canvas.lay(SNOW, np.broadcast_to(cover, (canvas.height, canvas.width)).astype(np.float32))


def dunes(canvas: Canvas) -> None:
    """Sand, with one side of each dune in the shade and fine ripples."""
    base = canvas.horizon / canvas.height
    sand = np.asarray((0.87, 0.64, 0.38), dtype=np.float32)
    for number in range(4):
        heights = noise.ridge(canvas.random, canvas.width, cells=1.6 + number * 0.5, roughness=0.33)
        line = (canvas.height * (base + 0.04 + number * 0.13 - heights * 0.13)).astype(np.float32)
        depth = 0.25 * number
        shade = np.clip(np.gradient(_smooth(line)) * 1.6 + 0.5, 0, 1)[None, :, None]
        ripples = 1 + 0.05 * np.sin((canvas.rows() - line[None, :]) * 0.55 + canvas.columns() * 0.06)[..., None]
        colour = (sand * (0.62 + 0.55 * (1 - shade)) * ripples) * (1 - 0.45 * (1 - depth)) + tone(canvas, 0) * 0.45 * (
            1 - depth
        )
        if canvas.reading.hour == "night":
            colour = colour * np.asarray((0.30, 0.34, 0.52), dtype=np.float32)
        canvas.lay(np.clip(colour, 0, 1).astype(np.float32), below(canvas, line))


def _smooth(line: Field) -> Field:
    """A line without its small ups and downs."""
    reach = max(3, len(line) // 24)
    window = np.ones(reach, dtype=np.float32) / reach
    smooth = np.convolve(np.pad(line, reach, mode="edge"), window, mode="same")[reach:-reach]
    return smooth.astype(np.float32)


def sea(canvas: Canvas) -> None:
    """Water from the horizon down: what stands above it mirrored and broken by waves, and the sun's path."""
    rocky = canvas.reading.has("mountains")
    shore = min(canvas.height - 8, int(canvas.horizon * 1.16)) if rocky else canvas.horizon
    depth = canvas.height - shore
    near = (np.arange(depth, dtype=np.float32) / max(depth, 1))[:, None]
    waves = noise.clouds(canvas.random, depth, canvas.width, cells=26, octaves=4, stretch=9)
    swell = noise.clouds(canvas.random, depth, canvas.width, cells=7, octaves=3, stretch=7)
    shift = ((waves - 0.5) * 2 * (6 + near * canvas.height * 0.07)).astype(int)
    rows = np.clip(shore - 1 - np.arange(depth)[:, None] - shift, 0, shore - 1)
    columns = np.broadcast_to(np.arange(canvas.width)[None, :], rows.shape)
    mirrored = canvas.light[rows, columns]
    water = np.asarray(canvas.palette.water, dtype=np.float32) * (0.62 + 0.6 * swell[..., None])
    part = (0.30 + 0.45 * near)[..., None]
    surface = mirrored * (1 - part) + water * part
    path = np.exp(-((canvas.columns() - canvas.sun[0]) ** 2) / (2 * (canvas.width * (0.03 + 0.09 * near)) ** 2))
    sparkle = np.clip((waves - 0.52) * 7, 0, 1) * path
    light = np.asarray(canvas.palette.light, dtype=np.float32)
    surface += light * (sparkle * 0.75)[..., None] * (1 - np.clip(surface, 0, 1))
    crests = np.clip((waves * swell - 0.42) * 4, 0, 0.35) * near
    surface += light * crests[..., None] * (1 - np.clip(surface, 0, 1))
    canvas.light[shore:] = np.clip(surface, 0, 1)


def _petals(colours: tuple[Colour, ...]) -> tuple[Colour, ...]:
    """The colours named that flowers have: green is for their leaves."""
    return tuple(colour for colour in colours if not colour[1] > max(colour[0], colour[2]))


def flowers(canvas: Canvas) -> None:
    """Blossoms in the foreground, larger the nearer they are."""
    random = canvas.random
    choices = _petals(canvas.reading.colours) or PETALS
    start = min(0.86, canvas.horizon / canvas.height + 0.14)
    for _ in range(int(canvas.width * canvas.height / 480)):
        near = random.random() ** 0.7
        y = int((start + (1 - start) * near) * canvas.height)
        x = int(random.random() * canvas.width)
        size = max(1, int(canvas.height * (0.0016 + 0.0065 * near**2)))
        colour = np.asarray(choices[int(random.integers(len(choices)))], dtype=np.float32)
        bright = (0.75 + 0.35 * random.random()) * (0.45 if canvas.reading.hour == "night" else 1.0)
        canvas.light[max(0, y - size) : y + size, max(0, x - size) : x + size] = np.clip(colour * bright, 0, 1)
