"""Gemini's image models, through Google's library in a process of its own: it is slow to load and cannot be stopped."""

from __future__ import annotations

from apps.images.errors import EngineMissing
from apps.images.orders import Limits
from apps.images.providers.base import Engine, Report, Sheet, Sketch
from apps.images.providers.warm import Warm
from apps.images.settings import ImageSettings

IDLE_SECONDS = 60.0
ABREAST = 2


class Gemini(Engine):
    """It chooses the size by itself, nearest to the shape that was asked for, and tells no progress."""

    kind = "gemini"
    limits = Limits(largest_side=2048, room=ABREAST, abreast=ABREAST, takes_steps=False)

    def __init__(self, key: str, base_url: str, model: str) -> None:
        if not key:
            raise EngineMissing("GEMINI_API_KEY is not set.", hint="Set it, or choose another IMAGE_ENGINE.")
        self.model = model
        self._key, self._base_url = key, base_url
        self._children = Warm("apps.images.providers.gemini_child", most=ABREAST, idle_seconds=IDLE_SECONDS)

    async def draw(self, sheet: Sheet, report: Report) -> bytes:
        report(Sketch(0.05, note="Sent to Gemini"))
        prompt = sheet.prompt
        if sheet.negative_prompt:
            prompt += f"\n\nLeave out: {sheet.negative_prompt}"
        prompt += f"\n\nShape of the picture: {sheet.width} by {sheet.height}."
        order = {"key": self._key, "base_url": self._base_url, "model": self.model, "prompt": prompt}
        return await self._children.draw(order, report)

    async def close(self) -> None:
        await self._children.close()


def gemini(settings: ImageSettings) -> Engine:
    model = settings.gemini_image_model or "gemini-2.5-flash-image"
    return Gemini(settings.gemini_api_key, settings.gemini_base_url, model)
