"""Inside a confined process: Piper, through the package piper-tts, with voices that lie on this machine."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def voice(path: str) -> Any:
    from piper import PiperVoice

    return PiperVoice.load(path)


def say(path: str, text: str, speed: float) -> tuple[bytes, int]:
    """Samples of the text (16-bit, mono) and their rate."""
    from piper import SynthesisConfig

    chunks = list(voice(path).synthesize(text, syn_config=SynthesisConfig(length_scale=1 / speed)))
    rate = int(chunks[0].sample_rate) if chunks else 22_050
    return b"".join(bytes(chunk.audio_int16_bytes) for chunk in chunks), rate
