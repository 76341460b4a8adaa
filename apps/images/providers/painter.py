"""The built-in painter behind the interface of engines. It is there when nothing else is configured."""

from __future__ import annotations

from apps.images.orders import Limits
from apps.images.providers.base import Engine, Report, Sheet
from apps.images.providers.child import Child
from apps.images.settings import ImageSettings


class Painter(Engine):
    """Paints what a few words make it think of, without any model: landscapes and patterns."""

    kind = "painter"
    model = "nitro-painter-1"
    limits = Limits(largest_side=2048)

    async def draw(self, sheet: Sheet, report: Report) -> bytes:
        child = Child("apps.images.painting")
        try:
            return await child.draw(
                {
                    "prompt": sheet.prompt,
                    "negative": sheet.negative_prompt,
                    "width": sheet.width,
                    "height": sheet.height,
                    "steps": sheet.steps,
                    "guidance": sheet.guidance,
                    "seed": sheet.seed,
                },
                report,
            )
        finally:
            await child.end()


def painter(settings: ImageSettings) -> Engine:
    return Painter()
