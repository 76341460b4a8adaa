"""AUTOMATIC1111's wire: also Forge, SD.Next and stable-diffusion.cpp speak it.

`POST /sdapi/v1/txt2img` answers when the picture is done; meanwhile `GET /sdapi/v1/progress` tells how far it is, with
a preview; `POST /sdapi/v1/interrupt` ends what is being drawn. Servers without the last two do all the same.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from contextlib import suppress
from typing import Any

from apps.images.errors import EngineError, EngineGarbled
from apps.images.orders import Limits
from apps.images.providers.base import Engine, Report, Sheet, Sketch
from apps.images.providers.http import Line, pause
from apps.images.settings import ImageSettings

LOOK_SECONDS = 0.15  # the page hears of progress within 300 ms
PREVIEW_LOOKS = 5  # every so many looks ask for a preview too, which the server has to make
LOOK_LIMIT = 5.0
INTERRUPT_SECONDS = 1.5
MOST_MISSES = 20


class Automatic1111(Engine):
    """A Stable Diffusion server."""

    kind = "a1111"
    limits = Limits(largest_side=2048)

    def __init__(self, base_url: str, model: str) -> None:
        self.base_url = base_url.removesuffix("/sdapi/v1")
        self.model = model
        self.line = Line("Stable Diffusion server")

    async def draw(self, sheet: Sheet, report: Report) -> bytes:
        watching = asyncio.ensure_future(self._watch(report))
        try:
            answer = await self.line.ask("POST", self._at("txt2img"), self._order(sheet))
        except asyncio.CancelledError:
            await asyncio.shield(self._interrupt())
            raise
        finally:
            watching.cancel()
        return picture_in(answer)

    def _order(self, sheet: Sheet) -> dict[str, Any]:
        order: dict[str, Any] = {
            "prompt": sheet.prompt,
            "negative_prompt": sheet.negative_prompt,
            "width": sheet.width,
            "height": sheet.height,
            "steps": sheet.steps,
            "cfg_scale": sheet.guidance,
            "seed": sheet.seed,
            "batch_size": 1,
            "n_iter": 1,
            "send_images": True,
            "save_images": False,
        }
        if self.model:
            order["override_settings"] = {"sd_model_checkpoint": self.model}
            order["override_settings_restore_afterwards"] = False
        return order

    async def _watch(self, report: Report) -> None:
        """Tell how far it is until the picture is there; a server that does not tell is not asked for ever."""
        looks = misses = 0
        while misses < MOST_MISSES:
            await pause(LOOK_SECONDS)
            plain = "false" if looks % PREVIEW_LOOKS == 0 else "true"
            looks += 1
            try:
                where = f"{self._at('progress')}?skip_current_image={plain}"
                report(sketch_of(await self.line.ask("GET", where, seconds=LOOK_LIMIT)))
                misses = 0
            except EngineError:
                misses += 1

    async def _interrupt(self) -> None:
        with suppress(EngineError):
            await self.line.ask("POST", self._at("interrupt"), {}, seconds=INTERRUPT_SECONDS)

    def _at(self, name: str) -> str:
        return f"{self.base_url}/sdapi/v1/{name}"

    async def close(self) -> None:
        await self.line.close()


def picture_in(answer: Any) -> bytes:
    """The first picture of an answer, which may be a data address."""
    images = answer.get("images") if isinstance(answer, dict) else None
    if not isinstance(images, list) or not images or not isinstance(images[0], str):
        raise EngineGarbled("The Stable Diffusion server sent no picture.")
    return decoded(images[0])


def decoded(text: str) -> bytes:
    """Base64, with or without the beginning of a data address."""
    try:
        return base64.b64decode(text.rpartition("base64,")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise EngineGarbled("The picture cannot be decoded.") from error


def sketch_of(found: Any) -> Sketch:
    """What `progress` tells: a part from 0 to 1 and, now and then, a preview."""
    if not isinstance(found, dict) or not isinstance(found.get("progress"), (int, float)):
        raise EngineGarbled("The Stable Diffusion server told no progress.")
    preview = found.get("current_image")
    return Sketch(
        progress=min(0.99, max(0.0, float(found["progress"]))),
        preview=decoded(preview) if isinstance(preview, str) and preview else b"",
    )


def automatic1111(settings: ImageSettings) -> Engine:
    return Automatic1111(settings.a1111_base_url or "http://127.0.0.1:7860", settings.a1111_model)
