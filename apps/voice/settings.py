"""What the engines need to know of the configuration, as one plain value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """The settings of docs/configuration.md that concern speech, in their lower-case names."""

    stt_engine: str = "auto"
    tts_engine: str = "auto"
    stt_base_url: str = ""
    stt_api_key: str = field(default="", repr=False)
    stt_model: str = ""
    tts_base_url: str = ""
    tts_api_key: str = field(default="", repr=False)
    tts_model: str = ""
    language: str = "en"
    models: Path = Path("models")
