"""Which engines there are: a name and where its builder lives, imported at first use.

A builder takes the settings and raises `EngineMissing` where its engine cannot work. A new engine is one line here and
one file in `providers/`: docs/voice.md.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from apps.voice.configuration import configured
from apps.voice.providers.base import Speaker, Transcriber
from apps.voice.settings import VoiceSettings

TRANSCRIBERS = {
    "builtin": "apps.voice.providers.builtin.transcriber",
    "openai": "apps.voice.providers.openai_compatible.transcriber",
    "whisper": "apps.voice.providers.whisper.transcriber",
    "google": "apps.voice.providers.google.transcriber",
}
SPEAKERS = {
    "builtin": "apps.voice.providers.builtin.speaker",
    "openai": "apps.voice.providers.openai_compatible.speaker",
    "piper": "apps.voice.providers.piper.speaker",
}


def transcriber_kind(settings: VoiceSettings) -> str:
    """The engine that was chosen; of itself: a server that was named, then a model that lies ready, then our own."""
    if settings.stt_engine != "auto":
        return settings.stt_engine
    if settings.stt_base_url:
        return "openai"
    ready = find_spec("faster_whisper") and list(settings.models.glob("*whisper*"))
    return "whisper" if ready else "builtin"


def speaker_kind(settings: VoiceSettings) -> str:
    """As `transcriber_kind`. The browser's own voices need no engine here, so programs get the built-in one then."""
    if settings.tts_engine not in {"auto", "browser"}:
        return settings.tts_engine
    if settings.tts_base_url and settings.tts_engine == "auto":
        return "openai"
    return "piper" if find_spec("piper") and list(settings.models.glob("*.onnx")) else "builtin"


@cache
def transcriber() -> Transcriber:
    """The engine that listens in this process."""
    settings = configured()
    found: Transcriber = _build(TRANSCRIBERS[transcriber_kind(settings)], settings)
    return found


@cache
def speaker() -> Speaker:
    """The engine that speaks in this process."""
    settings = configured()
    found: Speaker = _build(SPEAKERS[speaker_kind(settings)], settings)
    return found


def _build(path: str, settings: VoiceSettings) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(settings)
