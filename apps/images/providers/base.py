"""The one interface behind which everything stands that draws. Nothing here knows Django, Celery or a database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from apps.images.orders import Limits


@dataclass(frozen=True, slots=True)
class Sheet:
    """One picture to be drawn; the seed is always given."""

    prompt: str
    negative_prompt: str
    width: int
    height: int
    steps: int
    guidance: float
    seed: int


@dataclass(frozen=True, slots=True)
class Sketch:
    """How far a picture is, from 0 to 1; a small preview (PNG, JPEG or WebP) where the engine has one; what it does
    where it is not drawing yet, such as loading its model."""

    progress: float
    preview: bytes = b""
    note: str = ""


Report = Callable[[Sketch], None]


class Engine(ABC):
    """One wire. Made once per process; `draw` may be called for several sheets at once, as far as `limits` allow."""

    kind: str
    model: str = ""
    limits: Limits = Limits()

    @abstractmethod
    async def draw(self, sheet: Sheet, report: Report) -> bytes:
        """The picture, as a PNG, JPEG or WebP file. Reports as often as it likes, from the loop's thread.

        Raises an `EngineError`. When the task is cancelled, the engine stops working on it within two seconds.
        """

    async def close(self) -> None:
        """Let go of connections and processes."""
        return
