"""What stands on the land: a city with lit windows, a forest."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from apps.images.painting.canvas import Canvas
from apps.images.painting.lands import tone


def city(canvas: Canvas) -> None:
    """Three rows of houses before the sky; in the dark there is light in their windows."""
    base = canvas.horizon + canvas.height * (0.02 if canvas.reading.has("sea") else 0.10)
    for number in range(3):
        depth = 0.25 + number * 0.34
        _houses(canvas, depth, base + canvas.height * number * 0.07, number)
    if not canvas.reading.has("sea"):
        ground = np.clip(canvas.rows() - base - canvas.height * 0.13, 0, 1)
        canvas.lay(tone(canvas, 1.0), np.broadcast_to(ground, (canvas.height, canvas.width)).astype(np.float32))


def _houses(canvas: Canvas, depth: float, foot: float, number: int) -> None:
    random = canvas.random
    walls = Image.new("L", (canvas.width, canvas.height), 0)
    windows = Image.new("L", (canvas.width, canvas.height), 0)
    draw, lit = ImageDraw.Draw(walls), ImageDraw.Draw(windows)
    x = -canvas.width * 0.02
    while x < canvas.width:
        width = canvas.width * random.uniform(0.025, 0.07) * (0.7 + 0.3 * number)
        tall = 1 - 0.7 * abs((x / canvas.width) - 0.5)
        height = canvas.height * random.uniform(0.08, 0.36) * tall * (1.1 - 0.12 * number)
        draw.rectangle([x, foot - height, x + width - 1, max(canvas.height, foot - height)], fill=255)
        if random.random() < 0.25:
            middle = x + width / 2
            draw.line([middle, foot - height - height * 0.16, middle, foot - height], fill=255, width=2)
        _windows(canvas, lit, (x, foot - height, x + width, foot), number)
        x += width * random.uniform(0.92, 1.2)
    canvas.lay(tone(canvas, depth), np.asarray(walls, dtype=np.float32) / 255)
    glowing = {"night": 0.95, "sunset": 0.75, "storm": 0.6}.get(canvas.reading.hour, 0.22)
    canvas.lay((1.0, 0.83, 0.50), np.asarray(windows, dtype=np.float32) / 255 * glowing)


def _windows(canvas: Canvas, draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], number: int) -> None:
    step = max(5.0, canvas.height * (0.011 + 0.003 * number))
    left, top, right, bottom = box
    for y in np.arange(top + step, bottom, step * 1.25):
        for x in np.arange(left + step * 0.5, right - step * 0.6, step):
            if canvas.random.random() < 0.34:
                shine = int(canvas.random.integers(90, 256))
                draw.rectangle([x, y, x + step * 0.42, y + step * 0.55], fill=shine)


def forest(canvas: Canvas) -> None:
    """Rows of firs, each darker and taller than the one behind it."""
    rows = 4
    for number in range(rows):
        depth = 0.18 + number * 0.27
        foot = canvas.horizon + canvas.height * (0.06 + number * 0.13)
        tall = canvas.height * (0.11 + number * 0.085)
        sheet = Image.new("L", (canvas.width, canvas.height), 0)
        draw = ImageDraw.Draw(sheet)
        count = int(canvas.width / (tall * 0.17))
        for x in np.linspace(-0.02, 1.02, count) * canvas.width:
            _fir(canvas, draw, x + canvas.random.normal(0, tall * 0.06), foot, tall * canvas.random.uniform(0.6, 1.15))
        draw.rectangle([0, min(foot - tall * 0.1, canvas.height), canvas.width, canvas.height], fill=255)
        colour = tone(canvas, min(depth, 1)) * np.asarray((0.92, 1.06, 0.96), dtype=np.float32)
        canvas.lay(np.clip(colour, 0, 1).astype(np.float32), np.asarray(sheet, dtype=np.float32) / 255)
        _mist(canvas, foot, (rows - number) / rows)


def _fir(canvas: Canvas, draw: ImageDraw.ImageDraw, x: float, foot: float, tall: float) -> None:
    """Branches that get wider towards the ground, none like the other."""
    tiers = int(canvas.random.integers(7, 11))
    for tier in range(tiers):
        top = foot - tall + tall * 0.86 * tier / tiers
        reach = tall * 0.17 * (0.25 + tier / tiers) * canvas.random.uniform(0.8, 1.15)
        low = top + tall * 0.20
        draw.polygon([(x, top), (x - reach, low), (x, low - tall * 0.035), (x + reach, low)], fill=255)
    draw.line([x, foot - tall * 0.15, x, foot], fill=255, width=max(1, int(tall * 0.03)))


def _mist(canvas: Canvas, foot: float, strength: float) -> None:
    away = (canvas.rows() - foot) / (canvas.height * 0.07)
    veil = np.exp(-(away**2)) * 0.30 * strength
    canvas.lay(canvas.palette.haze, np.broadcast_to(veil, (canvas.height, canvas.width)).astype(np.float32))
