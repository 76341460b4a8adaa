"""Inside a confined process: tells speech from silence in a stream of samples, and hears words where it is asked to.

Voice activity is WebRTC's detector and words are PocketSphinx's, both from the `pocketsphinx` wheel, whose English
model is in it. Samples are 16-bit, mono, 16 kHz. Several streams (`name`) are listened to side by side.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from pocketsphinx import Decoder, Vad

from apps.core.errors import Busy, Invalid
from apps.voice.cells.limits import LONGEST_UTTERANCE, MOST_STREAMS

RATE = 16_000
FRAME_SECONDS = 0.03
FRAME_BYTES = 960
START_FRAMES, START_OF = 5, 8  # so many of the last frames are speech: somebody speaks
LEAD_FRAMES = 14  # what is kept from before that, so that no first syllable is lost
PARTIAL_SECONDS = 0.3
NOISE = frozenset({"<s>", "</s>", "<sil>", "[NOISE]", "[COUGH]", "[SMACK]", "[UH]", "[UM]", "[BREATH]"})
Event = tuple[Any, ...]


@dataclass
class Stream:
    """One recording that is being listened to. `hold`: all of it is one utterance, however long the pauses."""

    words: bool
    hold: bool
    pause_frames: int
    vad: Vad = field(default_factory=lambda: Vad(Vad.MEDIUM_STRICT, RATE, FRAME_SECONDS))
    rest: bytes = b""
    recent: deque[tuple[bytes, bool]] = field(default_factory=lambda: deque(maxlen=LEAD_FRAMES))
    frames: int = 0
    begin: int = 0  # the frame with which the utterance begins
    silent: int = 0
    since_partial: int = 0
    speech: list[bytes] | None = None
    decoder: Any = None


streams: dict[str, Stream] = {}
idle_decoders: list[Any] = []


def warm_up() -> None:
    """Load the model before anybody speaks."""
    if not idle_decoders:
        idle_decoders.append(new_decoder())


def new_decoder() -> Any:
    """PocketSphinx's own beams: narrower ones halve the work, and get two words in three wrong instead of one in two.

    Dither, since digital silence is something that no microphone ever heard: what is learnt from it about the sound of
    the room would spoil the next utterance.
    """
    return Decoder(samprate=RATE, loglevel="FATAL", dither=True)


def begin(name: str, words: bool, hold: bool, pause_seconds: float) -> None:
    """Open a stream. With `words` they are heard here; without, the samples of each utterance are handed back."""
    if len(streams) >= MOST_STREAMS:
        raise Busy("Too many people speak at once.", hint="Try again in a moment.")
    if words:
        warm_up()
    streams[name] = Stream(words, hold, max(4, round(pause_seconds / FRAME_SECONDS)))


def listen(name: str, samples: bytes) -> list[Event]:
    """What is in the next samples: ("start", second), ("partial", text), ("end", start, end, words, samples)."""
    stream = known(name)
    stream.rest += samples
    events: list[Event] = []
    whole = len(stream.rest) - len(stream.rest) % FRAME_BYTES
    for place in range(0, whole, FRAME_BYTES):
        events += take(stream, stream.rest[place : place + FRAME_BYTES])
    stream.rest = stream.rest[whole:]
    if stream.speech is not None and stream.since_partial * FRAME_SECONDS >= PARTIAL_SECONDS:
        stream.since_partial = 0
        events.append(("partial", hypothesis(stream)))
    return events


def finish(name: str) -> list[Event]:
    """Close a stream; an utterance that is under way ends here."""
    stream = known(name)
    events: list[Event] = []
    if stream.rest:
        events += take(stream, stream.rest.ljust(FRAME_BYTES, b"\0"))
    if stream.speech is not None:
        events.append(ended(stream))
    close(name)
    return events


def close(name: str) -> None:
    """Forget a stream, in the middle of whatever."""
    stream = streams.pop(name, None)
    if stream is not None and stream.decoder is not None:
        stream.decoder.end_utt()
        idle_decoders.append(stream.decoder)


def so_far(name: str) -> bytes:
    """The samples of the utterance that is under way; empty where nobody speaks."""
    return b"".join(known(name).speech or ())


def known(name: str) -> Stream:
    """A recording under way; raises `Invalid` where it has ended."""
    if name not in streams:
        raise Invalid("This recording has ended.", code="recording_ended", hint="Start it again.")
    return streams[name]


def take(stream: Stream, frame: bytes) -> list[Event]:
    """One frame: does an utterance begin or end with it?"""
    is_speech = bool(stream.vad.is_speech(frame))
    stream.frames += 1
    if stream.speech is None:
        stream.recent.append((frame, is_speech))
        if not stream.hold and sum(heard for _, heard in list(stream.recent)[-START_OF:]) < START_FRAMES:
            return []
        return [started(stream)]
    add(stream, frame)
    stream.silent = 0 if is_speech else stream.silent + 1
    is_over = stream.silent >= stream.pause_frames and not stream.hold
    too_long = len(stream.speech) * FRAME_SECONDS >= LONGEST_UTTERANCE
    return [ended(stream)] if is_over or too_long else []


def started(stream: Stream) -> Event:
    """An utterance begins, with what was heard just before: the event has its second within the recording."""
    lead = [frame for frame, _ in stream.recent]
    stream.recent.clear()
    stream.begin = stream.frames - len(lead)
    stream.speech, stream.silent, stream.since_partial = [], 0, 0
    if stream.words:
        stream.decoder = idle_decoders.pop() if idle_decoders else new_decoder()
        stream.decoder.start_utt()
    for frame in lead:
        add(stream, frame)
    return ("start", stream.begin * FRAME_SECONDS)


def add(stream: Stream, frame: bytes) -> None:
    if stream.speech is not None:
        stream.speech.append(frame)
        stream.since_partial += 1
    if stream.decoder is not None:
        stream.decoder.process_raw(frame)


def ended(stream: Stream) -> Event:
    samples = b"".join(stream.speech or ())
    begin, end = stream.begin * FRAME_SECONDS, stream.frames * FRAME_SECONDS
    words = spoken(stream, begin)
    stream.speech = None
    return ("end", begin, end, words, b"" if stream.words else samples)


def hypothesis(stream: Stream) -> str:
    found = stream.decoder.hyp() if stream.decoder is not None else None
    return str(found.hypstr) if found is not None else ""


def spoken(stream: Stream, begin: float) -> list[tuple[str, float, float]]:
    """The final words of the utterance, each with its times in seconds from the beginning of the stream."""
    decoder, stream.decoder = stream.decoder, None
    if decoder is None:
        return []
    decoder.end_utt()
    idle_decoders.append(decoder)
    found = decoder.seg() or []  # frames of 10 ms
    return [
        (part.word.split("(")[0], begin + part.start_frame / 100, begin + (part.end_frame + 1) / 100)
        for part in found
        if part.word not in NOISE
    ]
