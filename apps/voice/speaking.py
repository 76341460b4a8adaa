"""Says a text: sentence by sentence, in the voice of whoever listens, as the file that was asked for."""

from __future__ import annotations

from dataclasses import replace

from apps.core.errors import Invalid
from apps.voice import lanes
from apps.voice.audio import Pcm, joined, wav
from apps.voice.providers.base import Speaker, Utterance
from apps.voice.sentences import Sentences

TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "opus": "audio/ogg", "pcm": "application/octet-stream"}
SUFFIXES = {"wav": "wav", "mp3": "mp3", "opus": "ogg", "pcm": "bin"}
WRITE_SECONDS = 20.0
PCM_RATE = 24_000  # of OpenAI's `pcm`


def sentences(text: str) -> list[str]:
    """The sentences of a whole text, as they are said."""
    cutter = Sentences()
    return [*cutter.feed(text), *cutter.end()]


def spoken(speaker: Speaker, wanted: Utterance) -> Pcm:
    """The sound of a whole text, sentence after sentence. Raises an `EngineError`, or `Invalid` for an empty text."""
    lines = sentences(wanted.text)
    if not lines:
        raise Invalid("There is nothing to say: the text is empty.", code="empty_text")
    return joined([speaker.speak(replace(wanted, text=line)) for line in lines])


def written(pcm: Pcm, kind: str) -> bytes:
    """A whole file of this kind (one of `TYPES`) around the sound. Raises `Confined`."""
    cell = "apps.voice.cells.files"
    if kind == "wav":
        return wav(pcm)
    if kind == "pcm":
        if pcm.rate == PCM_RATE:
            return pcm.data
        return bytes(lanes.writer().run(f"{cell}.resampled", pcm.data, pcm.rate, PCM_RATE, seconds=WRITE_SECONDS))
    return bytes(lanes.writer().run(f"{cell}.encode", pcm.data, pcm.rate, kind, seconds=WRITE_SECONDS))
