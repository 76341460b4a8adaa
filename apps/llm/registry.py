"""Which kinds of provider there are: a name and where its builder lives, imported at first use.

A builder takes the settings and gives the providers of its kind: none where it is not configured, several where
several addresses share the load. A new kind is one line here and one file in `providers/`: docs/adding-a-provider.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from apps.llm.providers.base import Provider
from apps.llm.settings import LlmSettings

Builder = Callable[[LlmSettings], Sequence[Provider]]

BUILDERS = {
    "builtin": "apps.llm.providers.builtin.from_settings",
    "gemini": "apps.llm.providers.gemini.gemini",
    "ollama": "apps.llm.providers.ollama.from_settings",
    "openai": "apps.llm.providers.openai_compatible.openai",
    "scripted": "apps.llm.providers.scripted.demonstration",
}


def build(kind: str, settings: LlmSettings) -> Sequence[Provider]:
    """The providers of a kind. Imports the kind's module, which may take a while the first time."""
    module, _, name = BUILDERS[kind].rpartition(".")
    builder: Builder = getattr(import_module(module), name)
    return builder(settings)
