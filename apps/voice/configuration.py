"""The only module of this app that reads Django's settings: as values for the engines, and the limits."""

from __future__ import annotations

from django.conf import settings

from apps.voice.settings import VoiceSettings


def configured() -> VoiceSettings:
    """What the environment says about speech."""
    return VoiceSettings(
        stt_engine=settings.STT_ENGINE,
        tts_engine=settings.TTS_ENGINE,
        stt_base_url=settings.STT_BASE_URL,
        stt_api_key=settings.STT_API_KEY,
        stt_model=settings.STT_MODEL,
        tts_base_url=settings.TTS_BASE_URL,
        tts_api_key=settings.TTS_API_KEY,
        tts_model=settings.TTS_MODEL,
        language=settings.VOICE_LANGUAGE,
        models=settings.NITRO_HOME / "models",
    )


def longest_seconds() -> float:
    """How long a recording may be."""
    return float(settings.VOICE_MAX_MINUTES * 60)
