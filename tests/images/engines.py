"""An engine that follows a script, and pictures to answer with."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from PIL import Image

from apps.images import studio
from apps.images.orders import Limits
from apps.images.providers.base import Engine, Report, Sheet, Sketch

PATIENCE = 60


def picture(colour: tuple[int, int, int] = (40, 90, 160), size: tuple[int, int] = (64, 48), form: str = "PNG") -> bytes:
    """A file of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, form)
    return buffer.getvalue()


class Scripted(Engine):
    """Draws a picture of the sheet's size at once; or raises `error`; or waits until `go` is set."""

    kind = "scripted"
    model = "one"

    def __init__(self) -> None:
        self.limits = Limits(largest_side=1024)
        self.sheets: list[Sheet] = []
        self.reports: list[Sketch] = [Sketch(0.5)]
        self.error: Exception | None = None
        self.content: bytes | None = None
        self.go: threading.Event | None = None
        self.began = threading.Event()
        self.cancelled = threading.Event()

    async def draw(self, sheet: Sheet, report: Report) -> bytes:
        self.sheets.append(sheet)
        for sketch in self.reports:
            report(sketch)
        self.began.set()
        if self.error is not None:
            raise self.error
        try:
            while self.go is not None and not self.go.is_set():
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return self.content or picture((sheet.seed % 256, 90, 160), (sheet.width, sheet.height))


@contextmanager
def working() -> Iterator[threading.Thread]:
    """A worker that works beside the test."""

    def run() -> None:
        try:
            studio.work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield thread
    thread.join(PATIENCE)
    assert not thread.is_alive()
