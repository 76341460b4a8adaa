"""The painter as a program: an order as JSON on its input, frames on its output. `python -m apps.images.painting`

It runs in a process of its own, so that painting neither slows the worker nor keeps its memory, and can be ended at
once. The frames are those of `apps/images/providers/child.py`.
"""

from __future__ import annotations

import io
import json
import sys
import time

from PIL import Image

from apps.images.painting.painter import Task, paint
from apps.images.providers.frames import write

SKETCH_SIDE = 384
SKETCH_SECONDS = 0.15


class Studio:
    """Tells how far the picture is, with a sketch of it now and then."""

    def __init__(self) -> None:
        self.last = 0.0

    def tell(self, part: float, canvas: Image.Image) -> None:
        sketch = b""
        if time.monotonic() - self.last >= SKETCH_SECONDS:
            sketch = encoded(thumbnail(canvas), "WEBP", quality=60, method=0)
            self.last = time.monotonic()
        write(sys.stdout.buffer, {"progress": round(part, 4)}, sketch)


def thumbnail(canvas: Image.Image) -> Image.Image:
    small = canvas.copy()
    small.thumbnail((SKETCH_SIDE, SKETCH_SIDE))
    return small


def encoded(picture: Image.Image, form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def main() -> None:
    """Paint one picture."""
    task = Task(**json.loads(sys.stdin.buffer.readline()))
    picture = paint(task, Studio().tell)
    write(sys.stdout.buffer, {"picture": True}, encoded(picture, "PNG", compress_level=4))


if __name__ == "__main__":
    main()
