"""Stable Diffusion in a process of our own, through `diffusers`: loaded at the first picture, let go when idle."""

from __future__ import annotations

from importlib.util import find_spec

from apps.images.errors import EngineMissing
from apps.images.orders import Limits
from apps.images.providers.base import Engine, Report, Sheet
from apps.images.providers.warm import Warm
from apps.images.settings import ImageSettings

NEEDED = ("torch", "diffusers", "transformers")


class Diffusion(Engine):
    """A model on this machine: on its GPU where there is one, else on its processor."""

    kind = "diffusers"
    limits = Limits(largest_side=1536)

    def __init__(self, model: str, idle_seconds: float) -> None:
        self.model = model
        self._children = Warm("apps.images.providers.diffusion_child", idle_seconds=idle_seconds)

    def check(self) -> None:
        """Raises `EngineMissing` where it cannot draw."""
        missing = [name for name in NEEDED if find_spec(name) is None]
        if missing:
            raise EngineMissing(
                f"{', '.join(missing)} is not installed.",
                hint="Install it with `nitro extras diffusion`, then start Nitro again.",
            )
        if not self.model:
            raise EngineMissing("DIFFUSION_MODEL is not set.", hint="Name a folder or a model on Hugging Face.")

    async def draw(self, sheet: Sheet, report: Report) -> bytes:
        self.check()
        order = {
            "model": self.model,
            "prompt": sheet.prompt,
            "negative_prompt": sheet.negative_prompt,
            "width": sheet.width,
            "height": sheet.height,
            "steps": sheet.steps,
            "guidance": sheet.guidance,
            "seed": sheet.seed,
        }
        return await self._children.draw(order, report)

    async def close(self) -> None:
        await self._children.close()


def diffusers(settings: ImageSettings) -> Engine:
    return Diffusion(settings.diffusion_model, settings.diffusion_idle_seconds)
