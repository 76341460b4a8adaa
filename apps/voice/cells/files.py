"""Inside a confined process: reads recordings of every usual kind, and writes sound as WAV, MP3 or Opus, with PyAV.

A recording is told by its first bytes, never by its name, and is opened with the one demuxer that belongs to them:
playlists and formats that name other files are not among them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import av.logging

from apps.core.errors import Invalid
from apps.voice.cells.kinds import kind_of

RATE = 16_000
MOST_CHANNELS = 8
SNIFFED = 64
CODECS = frozenset({
    "aac", "alac", "flac", "mp3", "mp2", "opus", "vorbis", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_u8", "pcm_f32le",
    "pcm_f64le", "pcm_alaw", "pcm_mulaw",
})  # fmt: skip
WRITTEN = {"mp3": ("mp3", "libmp3lame", 24_000, 64_000), "opus": ("ogg", "libopus", 24_000, 32_000)}

av.logging.set_level(av.logging.PANIC)


def to_bytes(recording: bytes, longest: float) -> tuple[bytes, float]:
    """The samples of a recording (16-bit, mono, 16 kHz) and its seconds. Raises `Invalid` with a sentence."""
    out = io.BytesIO()
    seconds = decode(io.BytesIO(recording), out.write, longest)
    return out.getvalue(), seconds


def to_file(source: str, target: str, longest: float) -> float:
    """As `to_bytes`, from one file into another, so that an hour does not have to fit into memory."""
    with Path(source).open("rb") as recording, Path(target).open("wb") as out:
        return decode(recording, out.write, longest)


def decode(recording: Any, write: Callable[[bytes], object], longest: float) -> float:
    """Write the samples of a file (16-bit, mono, 16 kHz) piece by piece; returns its seconds. Raises `Invalid`."""
    kind = kind_of(recording.read(SNIFFED))
    recording.seek(0)
    written, most = 0, longest * RATE * 2
    try:
        with av.open(recording, format=kind, metadata_errors="ignore") as container:
            for samples in pieces(container):
                written += len(samples)
                if written > most:
                    raise too_long(longest)
                write(samples)
    except av.FFmpegError as error:
        if not written or isinstance(error, MemoryError):
            raise broken() from error
        # What stands before the damage was heard; a recording that was cut off is still worth its words.
    except (ValueError, OSError, OverflowError) as error:
        raise broken() from error
    if not written:
        raise broken()
    return written / RATE / 2


def broken() -> Invalid:
    return Invalid("This recording is damaged or empty.", code="damaged_recording", hint="Record or convert it again.")


def too_long(longest: float) -> Invalid:
    allowed = f"{longest / 60:g} minutes" if longest >= 120 else f"{longest:g} seconds"
    found = Invalid(f"This recording is longer than {allowed}.", code="too_long", hint="Send it in parts.")
    found.status = 413
    return found


def pieces(container: Any) -> Iterator[bytes]:
    """The samples of the first sound in it, as we want them."""
    stream = next(iter(container.streams.audio), None)
    if stream is None or stream.codec_context is None or stream.codec_context.name not in known_decoders():
        raise broken()
    if not 1 <= stream.codec_context.channels <= MOST_CHANNELS:
        raise Invalid(
            f"This recording says that it has {stream.codec_context.channels} channels.",
            code="damaged_recording",
            hint=f"At most {MOST_CHANNELS} are possible.",
        )
    stream.codec_context.thread_count = 1
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    for frame in container.decode(stream):
        yield from samples_of(resampler.resample(frame))
    yield from samples_of(resampler.resample(None))


def known_decoders() -> frozenset[str]:
    """FFmpeg has several decoders for some codecs, with names such as `mp3float` and `libopus`."""
    return CODECS | {"mp3float", "libopus", "libvorbis", "aac_fixed", "mp2float"}


def samples_of(frames: list[Any]) -> Iterator[bytes]:
    for frame in frames:
        yield bytes(frame.planes[0])[: frame.samples * 2]


def encode(samples: bytes, rate: int, kind: str) -> bytes:
    """Sound as a file: kind is one of `WRITTEN`."""
    container_format, codec, out_rate, bit_rate = WRITTEN[kind]
    out = io.BytesIO()
    options = {"write_xing": "0", "id3v2_version": "0"} if kind == "mp3" else {}  # so that parts can be joined
    with av.open(out, mode="w", format=container_format, options=options) as container:
        stream: Any = container.add_stream(codec, rate=out_rate, layout="mono")
        stream.bit_rate = bit_rate
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout="mono", rate=out_rate, frame_size=stream.codec_context.frame_size
        )
        for frame in [*resampler.resample(sound(samples, rate)), *resampler.resample(None)]:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def resampled(samples: bytes, rate: int, wanted: int) -> bytes:
    """The same sound with so many samples per second."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=wanted)
    frames = [*resampler.resample(sound(samples, rate)), *resampler.resample(None)]
    return b"".join(samples_of(frames))


def sound(samples: bytes, rate: int) -> Any:
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
    frame.sample_rate = rate
    frame.pts = 0
    frame.planes[0].update(samples.ljust(frame.planes[0].buffer_size, b"\0"))
    return frame
