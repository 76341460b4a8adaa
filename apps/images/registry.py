"""Which engines there are: a name and where its builder lives, imported at first use; and the one that draws here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from apps.images.configuration import configured
from apps.images.providers.base import Engine
from apps.images.settings import ImageSettings

Builder = Callable[[ImageSettings], Engine]

BUILDERS = {
    "painter": "apps.images.providers.painter.painter",
    "a1111": "apps.images.providers.automatic1111.automatic1111",
    "diffusers": "apps.images.providers.diffusion.diffusers",
    "openai": "apps.images.providers.openai_images.openai",
    "gemini": "apps.images.providers.gemini.gemini",
}
LABELS = {
    "painter": "Nitro’s built-in painter",
    "a1111": "Stable Diffusion",
    "diffusers": "Stable Diffusion on this machine",
    "openai": "OpenAI-compatible images",
    "gemini": "Gemini",
}
_chosen: list[Engine] = []


def build(settings: ImageSettings) -> Engine:
    """The engine that these settings mean. Imports its module, which may take a while the first time."""
    module, _, name = BUILDERS[settings.kind].rpartition(".")
    builder: Builder = getattr(import_module(module), name)
    return builder(settings)


@cache
def _configured() -> Engine:
    return build(configured())


def engine() -> Engine:
    """The engine of this process."""
    return _chosen[-1] if _chosen else _configured()


def use(other: Engine | None) -> None:
    """Draw with another engine, or with the configured one again; for tests."""
    _chosen[:] = [] if other is None else [other]
