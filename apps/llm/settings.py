"""What the language models need to know of the configuration, as one plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SMALL = "smollm2"  # the model that Nitro brings along, by the name that its server gives it


@dataclass(frozen=True, slots=True)
class Flaw:
    """A setting whose value cannot be right and is not used."""

    setting: str
    message: str
    hint: str

    @property
    def kind(self) -> str:
        """The provider that it belongs to."""
        return self.setting.partition("_")[0].lower()


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """The settings of docs/configuration.md that concern models, in their lower-case names.

    `kinds` are the providers that may be chosen; one without an address or a key says what is missing when it is.
    `slots` are the answers that one server of a kind gives at once. Without `redis_url` each process has its own lines.
    """

    ai_model: str = "auto"
    ai_fallback: tuple[str, ...] = ()
    builtin_model: str = ""  # the name of what answers there
    builtin_model_url: str = ""
    openai_base_urls: tuple[str, ...] = ()
    openai_api_key: str = field(default="", repr=False)
    openai_model: str = ""
    kinds: tuple[str, ...] = ("builtin", "openai", "ollama", "gemini")
    gemini_api_key: str = field(default="", repr=False)
    gemini_model: str = ""
    gemini_base_url: str = ""
    ollama_base_url: str = ""
    ollama_model: str = ""
    slots: Mapping[str, int] = field(default_factory=dict)
    redis_url: str = field(default="", repr=False)
    home: str = ""
    models_socket: str = ""
    flaws: tuple[Flaw, ...] = ()
