"""Inside a confined process: Whisper, through the package faster-whisper, with a model that lies on this machine."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def model(path: str) -> Any:
    from faster_whisper import WhisperModel

    return WhisperModel(path, device="auto", compute_type="int8", local_files_only=True)


def hear(path: str, samples: bytes, language: str) -> tuple[list[Any], str]:
    """Segments as [start, end, text, words], and the language. Samples are 16-bit, mono, 16 kHz."""
    import numpy

    sound = numpy.frombuffer(samples, numpy.int16).astype(numpy.float32) / 32_768
    found, info = model(path).transcribe(sound, language=language or None, word_timestamps=True, vad_filter=False)
    return [segment(part) for part in found], str(info.language)


def segment(part: Any) -> list[Any]:
    words = [[str(word.word).strip(), float(word.start), float(word.end)] for word in part.words or ()]
    return [float(part.start), float(part.end), str(part.text).strip(), words]
