"""Turns recordings that are there as a whole into transcripts: decoded in confinement, heard piece by piece. Blocks."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from apps.core import confined, metrics
from apps.core.confined import Warm
from apps.core.errors import Busy
from apps.voice import lanes
from apps.voice.audio import BYTES_PER_SECOND, Heard, Pcm, Segment
from apps.voice.events import Final, Happening, Sound, happenings
from apps.voice.listening import CALL_SECONDS, CELL
from apps.voice.providers.base import Transcriber

DECODE_SECONDS = 3.0
DECODE_MEMORY_MB = 300
LONG_DECODE_SECONDS = 120.0
PAUSE_SECONDS = 0.5
PIECE_BYTES = BYTES_PER_SECOND  # samples that are listened to in one go
TOGETHER_SECONDS = 25.0  # engines beside the ear hear more context than one utterance
AT_ONCE = 2
PATIENCE = 30.0
SECONDS = metrics.histogram("nitro_voice_seconds", "From the samples of a recording to its words.")
_places = threading.BoundedSemaphore(AT_ONCE)


def decoded(recording: bytes, *, longest: float) -> bytes:
    """The samples of a recording. Raises `confined.Failed` with a sentence, 413 for one that is too long."""
    call = "apps.voice.cells.files.to_bytes"
    samples: bytes = confined.run(
        call, recording, longest, seconds=DECODE_SECONDS, memory_mb=DECODE_MEMORY_MB + len(recording) // 500_000
    )[0]
    return samples


def decoded_to_file(source: str, target: str, *, longest: float) -> float:
    """As `decoded`, from file to file, for recordings of hours; returns the seconds."""
    call = "apps.voice.cells.files.to_file"
    seconds: float = confined.run(
        call, source, target, longest, seconds=LONG_DECODE_SECONDS, memory_mb=DECODE_MEMORY_MB
    )
    return seconds


@contextmanager
def place() -> Iterator[None]:
    """One of the places for whole recordings in this process. Raises `Busy` when none becomes free in time."""
    if not _places.acquire(timeout=PATIENCE):
        raise Busy("Too many recordings at once.", hint="Try again in a moment.", retry_after=10)
    try:
        yield
    finally:
        _places.release()


def transcribed(samples: bytes, engine: Transcriber, *, language: str) -> Heard:
    """What is said in these samples."""
    began = time.perf_counter()
    parts = (samples[start : start + PIECE_BYTES] for start in range(0, len(samples), PIECE_BYTES))
    segments = tuple(segments_of(parts, engine, language=language))
    SECONDS.observe(time.perf_counter() - began)
    return Heard(segments, len(samples) / BYTES_PER_SECOND, language, engine.kind)


def segments_of(parts: Iterable[bytes], engine: Transcriber, *, language: str) -> Iterator[Segment]:
    """The segments of a recording that comes in pieces, each as soon as it was heard."""
    items = _listened(parts, words=engine.is_in_ear)
    if engine.is_in_ear:
        yield from (item.segment for item in items if isinstance(item, Final) and item.segment.text)
        return
    for group in together(item for item in items if isinstance(item, Sound)):
        heard = engine.transcribe(joined(group), language=language)
        yield from (segment.later(group[0].start) for segment in heard.segments if segment.text)


def _listened(parts: Iterable[bytes], *, words: bool) -> Iterator[Happening]:
    """Whatever happens in the samples, through the ear for files; closes its stream in any case."""
    warm, name = lanes.file_ear().warm, uuid.uuid4().hex
    warm.run(f"{CELL}.begin", name, words, False, PAUSE_SECONDS, seconds=CALL_SECONDS)
    born = warm.born
    try:
        for part in parts:
            yield from happenings(warm.run(f"{CELL}.listen", name, part, seconds=CALL_SECONDS))
        yield from happenings(warm.run(f"{CELL}.finish", name, seconds=CALL_SECONDS))
    finally:
        _forget(warm, name, born)


def _forget(warm: Warm, name: str, born: int) -> None:
    """Close the stream where its process still lives."""
    if warm.pid is not None and warm.born == born:
        warm.run(f"{CELL}.close", name, seconds=CALL_SECONDS)


def together(sounds: Iterable[Sound]) -> Iterator[list[Sound]]:
    """Utterances in groups, so that an engine hears up to `TOGETHER_SECONDS` at once."""
    group: list[Sound] = []
    for sound in sounds:
        if group and sound.end - group[0].start > TOGETHER_SECONDS:
            yield group
            group = []
        group.append(sound)
    if group:
        yield group


def joined(group: list[Sound]) -> Pcm:
    """The sound from the first utterance to the last, the pauses between them as silence."""
    data = bytearray()
    for sound in group:
        offset = round((sound.start - group[0].start) * BYTES_PER_SECOND / 2) * 2
        data += bytes(max(0, offset - len(data)))
        data += sound.samples
    return Pcm(bytes(data))
