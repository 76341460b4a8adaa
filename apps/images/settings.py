"""What the engines need to know of the configuration, as one plain value."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ("a1111", "diffusers", "openai", "gemini", "painter")


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """The settings of docs/configuration.md that concern pictures, in their lower-case names."""

    image_engine: str = "auto"
    image_seconds: float = 3600.0
    a1111_base_url: str = ""
    a1111_model: str = ""
    image_openai_base_url: str = ""
    image_openai_api_key: str = field(default="", repr=False)
    image_openai_model: str = ""
    gemini_api_key: str = field(default="", repr=False)
    gemini_base_url: str = ""
    gemini_image_model: str = ""
    diffusion_model: str = ""
    diffusion_idle_seconds: float = 300.0

    @property
    def kind(self) -> str:
        """The engine that draws: the one that was chosen, or the first that is configured, or the painter."""
        if self.image_engine != "auto":
            return self.image_engine
        configured = {
            "a1111": self.a1111_base_url,
            "diffusers": self.diffusion_model,
            "openai": self.image_openai_base_url,
            "gemini": self.gemini_api_key and self.gemini_image_model,
            "painter": "always",
        }
        return next(kind for kind in KINDS if configured[kind])
