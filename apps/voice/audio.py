"""Sound as plain values: 16-bit mono samples with their rate, what was heard in them, and a WAV around them. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

RATE = 16_000  # samples per second of everything that is listened to
SAMPLE_BYTES = 2
BYTES_PER_SECOND = RATE * SAMPLE_BYTES


@dataclass(frozen=True, slots=True)
class Pcm:
    """Signed 16-bit little-endian samples of one channel."""

    data: bytes = field(repr=False)
    rate: int = RATE

    @property
    def seconds(self) -> float:
        return len(self.data) / SAMPLE_BYTES / self.rate


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its times in seconds from the beginning of the recording."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Segment:
    """What was said from one pause to the next; times in seconds."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()

    def later(self, seconds: float) -> Segment:
        """The same segment of a recording that began so much earlier."""
        words = tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in self.words)
        return replace(self, start=self.start + seconds, end=self.end + seconds, words=words)


@dataclass(frozen=True, slots=True)
class Heard:
    """A transcript: its segments in order, the language where the engine knows it, and who listened."""

    segments: tuple[Segment, ...]
    seconds: float
    language: str = ""
    engine: str = ""

    @property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments if segment.text)


def wav_header(rate: int, size: int) -> bytes:
    """The 44 bytes before `size` bytes of samples (RIFF WAVE, PCM). A stream of unknown length takes the most."""
    size = min(size, 0xFFFFFFFF - 36)
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    return head + struct.pack("<4sI", b"data", size)


def wav(pcm: Pcm) -> bytes:
    return wav_header(pcm.rate, len(pcm.data)) + pcm.data


def joined(parts: Sequence[Pcm]) -> Pcm:
    """Parts of one rate, one after the other."""
    return Pcm(b"".join(part.data for part in parts), parts[0].rate if parts else RATE)
