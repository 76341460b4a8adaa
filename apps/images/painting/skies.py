"""The upper half of a picture: gradient, sun or moon, stars, northern lights, clouds, birds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from apps.images.painting import noise
from apps.images.painting.canvas import Canvas
from apps.images.painting.palettes import gradient

Field = NDArray[np.float32]


def sky(canvas: Canvas) -> None:
    """From the top of the picture to the horizon, a little uneven as real skies are."""
    rows = np.clip(canvas.rows() / max(canvas.horizon, 1), 0, 1)
    uneven = noise.clouds(canvas.random, canvas.height, canvas.width, cells=2, octaves=3, stretch=2.5)
    places = np.clip(rows + (uneven - 0.5) * 0.16, 0, 1) ** 1.15
    canvas.light[:] = gradient(canvas.palette.sky, places.astype(np.float32))


def stars(canvas: Canvas) -> None:
    """Above the horizon, few of them bright; where stars were asked for, more of them and the Milky Way."""
    random, height, width = canvas.random, canvas.height, canvas.width
    if canvas.reading.has("stars"):
        band = _milky_way(canvas)
        canvas.glow((0.62, 0.60, 0.86), band * 0.55)
        canvas.glow((0.95, 0.62, 0.72), band**3 * 0.35)
    field = np.zeros((height, width), dtype=np.float32)
    count = int(width * height / (320 if canvas.reading.has("stars") else 900))
    y = (random.random(count) ** 1.4 * canvas.horizon).astype(int).clip(0, height - 1)
    x = (random.random(count) * width).astype(int).clip(0, width - 1)
    field[y, x] = random.random(count).astype(np.float32) ** 4
    for row, column in zip(y[: count // 50], x[: count // 50], strict=True):
        field[max(0, row - 1) : row + 2, column] += 0.35
        field[row, max(0, column - 1) : column + 2] += 0.35
    canvas.glow((1.0, 0.98, 0.93), np.clip(field * 1.6, 0, 1))


def _milky_way(canvas: Canvas) -> Field:
    angle = canvas.random.uniform(-0.8, 0.8)
    x = canvas.columns() / canvas.width - 0.5
    y = canvas.rows() / canvas.height - 0.35
    away = x * np.sin(angle) + y * np.cos(angle)
    cloudy = noise.clouds(canvas.random, canvas.height, canvas.width, cells=4)
    band: Field = np.exp(-((away + (cloudy - 0.5) * 0.22) ** 2) / 0.018) * cloudy**1.5
    return band.astype(np.float32)


def sun(canvas: Canvas) -> None:
    """Sun by day, moon by night, with the light around it."""
    x, y = canvas.sun
    size = min(canvas.height, canvas.width)
    at_night = canvas.reading.hour == "night"
    radius = size * (0.042 if at_night else 0.058)
    distance = np.sqrt((canvas.columns() - x) ** 2 + (canvas.rows() - y) ** 2)
    canvas.glow(canvas.palette.light, np.exp(-distance / (size * 0.30)) * (0.30 if at_night else 0.62))
    canvas.glow(canvas.palette.light, np.exp(-distance / (size * 0.09)) * (0.40 if at_night else 0.60))
    if canvas.reading.hour == "storm":
        return
    disk = np.clip((radius - distance) / 1.5 + 0.5, 0, 1)
    if at_night and canvas.random.random() < 0.5:
        shadow = np.sqrt((canvas.columns() - x + radius * 0.55) ** 2 + (canvas.rows() - y + radius * 0.2) ** 2)
        disk *= 1 - np.clip((radius * 0.95 - shadow) / 1.5 + 0.5, 0, 1)
    canvas.lay(canvas.palette.light, disk * 0.97)


def aurora(canvas: Canvas) -> None:
    """Curtains of light that hang from wandering lines."""
    rows = canvas.rows() / canvas.height
    for number in range(3):
        line = 0.10 + number * 0.09 + 0.22 * noise.ridge(canvas.random, canvas.width, cells=2, roughness=0.4)
        rays = 0.5 + 0.5 * noise.ridge(canvas.random, canvas.width, cells=40, roughness=0.6)
        below = rows - line[None, :]
        curtain = np.where(below > 0, np.exp(-below / 0.035), np.exp(below / 0.20)) * rays[None, :]
        colour = ((0.30, 0.95, 0.62), (0.25, 0.80, 0.80), (0.66, 0.40, 0.90))[number]
        canvas.glow(colour, curtain.astype(np.float32) * 0.62)


def clouds(canvas: Canvas) -> None:
    """Banks of clouds, lit from where the sun stands."""
    stormy = canvas.reading.hour == "storm"
    wanted = stormy or canvas.reading.has("clouds")
    field = noise.clouds(canvas.random, canvas.height, canvas.width, cells=4, octaves=6, stretch=2.6)
    reach = max(2, canvas.height // 90)
    above = np.pad(field, ((reach, 0), (0, 0)), mode="edge")[: canvas.height]
    lit = np.clip(field - above, -0.2, 0.2) * 2.4
    threshold = 0.36 if stormy else 0.44 if wanted else 0.58
    fade = np.clip(1.15 - canvas.rows() / max(canvas.horizon, 1), 0, 1)
    cover = np.clip((field - threshold) * 3.2, 0, 1) * fade * (0.85 if wanted else 0.6)
    dark = np.asarray(canvas.palette.sky[1], dtype=np.float32)
    bright = np.asarray(canvas.palette.light, dtype=np.float32)
    part = np.clip(0.48 + lit * 2.2 - (0.28 if canvas.reading.hour == "night" else 0.0), 0, 1)[..., None]
    canvas.lay(dark * (1 - part) + bright * part, cover.astype(np.float32))


def birds(canvas: Canvas) -> None:
    """A few birds, each two strokes."""
    sheet = Image.new("L", (canvas.width, canvas.height), 0)
    draw = ImageDraw.Draw(sheet)
    x0 = canvas.random.uniform(0.2, 0.7) * canvas.width
    y0 = canvas.random.uniform(0.2, 0.5) * canvas.horizon
    for _ in range(int(canvas.random.integers(5, 12))):
        x = x0 + canvas.random.normal(0, 0.11) * canvas.width
        y = y0 + canvas.random.normal(0, 0.06) * canvas.height
        span = canvas.random.uniform(0.008, 0.02) * canvas.width
        for side in (-1, 1):
            box = [x if side > 0 else x - span, y - span * 0.35, x + span if side > 0 else x, y + span * 0.5]
            draw.arc(box, 190, 350, fill=220, width=max(1, canvas.width // 380))
    canvas.lay(canvas.palette.near, np.asarray(sheet, dtype=np.float32) / 255)
