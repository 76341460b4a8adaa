"""From a description to a picture: compose it in light, then paint it with brushes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance

from apps.images.painting import built, lands, patterns, skies, strokes
from apps.images.painting.canvas import Canvas
from apps.images.painting.palettes import palette
from apps.images.painting.strokes import Progress
from apps.images.painting.words import Reading, read

FEWEST_PASSES, MOST_PASSES = 4, 40
COMPOSED = 0.25  # the part of the work that is done before the first stroke


@dataclass(frozen=True, slots=True)
class Task:
    """What to paint. `guidance` (7 is usual) makes colours stronger or weaker; `steps` is the number of passes."""

    prompt: str
    negative: str = ""
    width: int = 768
    height: int = 768
    steps: int = 20
    guidance: float = 7.0
    seed: int = 0


def paint(task: Task, progress: Progress) -> Image.Image:
    """The picture. The same task gives the same picture, to the dot."""
    reading = read(task.prompt, task.negative, task.seed)
    canvas = compose(reading, task.width, task.height)
    progress(COMPOSED, Image.fromarray((np.clip(canvas.light, 0, 1) * 255).astype(np.uint8)))
    passes = max(FEWEST_PASSES, min(MOST_PASSES, task.steps))

    def further(part: float, sketch: Image.Image) -> None:
        progress(COMPOSED + (1 - COMPOSED) * part, sketch)

    painted = strokes.paint(canvas.light, canvas.random, passes, further)
    return ImageEnhance.Color(painted).enhance(max(0.4, min(1.7, 1.0 + (task.guidance - 7) * 0.05)))


def compose(reading: Reading, width: int, height: int) -> Canvas:
    """Everything that the picture shows, from far to near."""
    canvas = blank(reading, width, height)
    if reading.has("abstract"):
        patterns.abstract(canvas)
        return canvas
    skies.sky(canvas)
    if reading.hour == "night":
        skies.stars(canvas)
    if reading.has("aurora"):
        skies.aurora(canvas)
    if reading.hour != "night" or not reading.has("stars") or reading.has("moon"):
        skies.sun(canvas)
    skies.clouds(canvas)
    for thing, draw in LAYERS:
        if reading.has(thing):
            draw(canvas)
    np.clip(canvas.light, 0, 1, out=canvas.light)
    return canvas


LAYERS = (
    ("desert", lands.dunes),
    ("mountains", lands.mountains),
    ("hills", lands.hills),
    ("city", built.city),
    ("sea", lands.sea),
    ("forest", built.forest),
    ("flowers", lands.flowers),
    ("birds", skies.birds),
)


def blank(reading: Reading, width: int, height: int) -> Canvas:
    """A canvas with its horizon and its sun in place."""
    random = np.random.default_rng(reading.number)
    low = 0.50 if reading.has("sea") or reading.has("flowers") or reading.has("hills") else 0.58
    horizon = int(height * random.uniform(low, low + 0.12))
    up = 0.78 if reading.hour in {"sunset", "dawn"} else 0.38
    sun = (random.uniform(0.2, 0.8) * width, horizon * random.uniform(up - 0.14, up + 0.06))
    light = np.zeros((height, width, 3), dtype=np.float32)
    return Canvas(light, reading, palette(reading), random, horizon, sun)
