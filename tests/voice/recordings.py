"""Recordings of every kind, made here: sound ones, and such that lie."""

from __future__ import annotations

import io
import struct
from functools import cache
from typing import Any

import av

from apps.voice.audio import Pcm, wav
from tests.voice.conftest import said

SENTENCE = "Please write a letter to my mother."
KINDS = {
    "mp3": ("mp3", "libmp3lame"),
    "ogg": ("ogg", "flac"),
    "opus": ("ogg", "libopus"),
    "webm": ("webm", "libopus"),
    "m4a": ("mp4", "aac"),
    "flac": ("flac", "flac"),
    "aac": ("adts", "aac"),
}


@cache
def recording(kind: str, text: str = SENTENCE) -> bytes:
    """A sentence as a file of this kind."""
    sound = said(text)
    return wav(sound) if kind == "wav" else written(sound, kind)


def written(sound: Pcm, kind: str) -> bytes:
    container_format, codec = KINDS[kind]
    out = io.BytesIO()
    with av.open(out, mode="w", format=container_format) as container:
        stream: Any = container.add_stream(codec, rate=48_000, layout="mono")
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout="mono", rate=48_000, frame_size=stream.codec_context.frame_size
        )
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(sound.data) // 2)
        frame.sample_rate, frame.pts = sound.rate, 0
        frame.planes[0].update(sound.data.ljust(frame.planes[0].buffer_size, b"\0"))
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return out.getvalue()


def header(*, channels: int = 1, rate: int = 16_000, bits: int = 16, size: int = 0xFFFFFF) -> bytes:
    """The beginning of a WAV that may say what it likes."""
    block = channels * bits // 8
    head = struct.pack(
        "<4sI4s4sIHHIIHH", b"RIFF", size, b"WAVE", b"fmt ", 16, 1, channels, rate, rate * block, block, bits
    )
    return head + struct.pack("<4sI", b"data", size)


def silence(seconds: float) -> Pcm:
    return Pcm(bytes(round(seconds * 16_000) * 2))


def long_recording() -> bytes:
    """A sentence, and more silence after it than is listened to while one waits."""
    return wav(Pcm(at_16k(said(SENTENCE)) + silence(61).data))


def at_16k(sound: Pcm) -> bytes:
    """The samples as an ear takes them."""
    from apps.voice.cells import files

    return files.resampled(sound.data, sound.rate, 16_000)
