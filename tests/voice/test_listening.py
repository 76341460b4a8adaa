"""Engines beside the ear: they get whole utterances, guesses meanwhile, and several utterances of a file at once."""

from __future__ import annotations

import asyncio

import pytest

from apps.voice import transcribing
from apps.voice.audio import BYTES_PER_SECOND, Heard, Pcm, Segment
from apps.voice.errors import EngineAway
from apps.voice.events import Final, Happening, Partial, Sound, Started
from apps.voice.listening import Listening
from apps.voice.providers.base import Transcriber
from tests.voice.conftest import said
from tests.voice.recordings import SENTENCE, at_16k

PAUSE = bytes(BYTES_PER_SECOND)


class Lengths(Transcriber):
    """Says how long it has listened, in tenths of seconds."""

    kind = label = "lengths"

    def __init__(self) -> None:
        self.calls = 0

    def transcribe(self, sound: Pcm, *, language: str) -> Heard:
        self.calls += 1
        return Heard((Segment(0, sound.seconds, f"{sound.seconds:.1f}"),), sound.seconds, language)


class Away(Transcriber):
    kind = label = "away"

    def transcribe(self, sound: Pcm, *, language: str) -> Heard:
        raise EngineAway("It is away.")


def speech() -> bytes:
    return PAUSE + at_16k(said(SENTENCE)) + PAUSE


async def listened(engine: Transcriber, samples: bytes) -> list[Happening]:
    listening = Listening(engine, language="en")
    await listening.open()
    found: list[Happening] = []
    try:
        for place in range(0, len(samples), BYTES_PER_SECOND // 10):
            found += await listening.feed(samples[place : place + BYTES_PER_SECOND // 10])
            await asyncio.sleep(0.001)
        found += await listening.finish()
    finally:
        await listening.close()
    return found


async def test_an_engine_hears_the_utterance_and_guesses_before() -> None:
    found = await listened(Lengths(), speech())
    final = next(item for item in found if isinstance(item, Final))
    assert isinstance(found[0], Started)
    assert float(final.segment.text) == pytest.approx(final.segment.end - final.segment.start, abs=0.11)
    assert any(isinstance(item, Partial) and item.text for item in found)


async def test_an_engine_that_is_away_is_told_at_the_end_of_the_utterance() -> None:
    with pytest.raises(EngineAway):
        await listened(Away(), speech())


async def test_silence_is_nobody() -> None:
    assert await listened(Lengths(), PAUSE * 3) == []


async def test_noise_without_a_voice_is_hardly_anybody() -> None:
    import random

    noise = random.Random(7).randbytes(BYTES_PER_SECOND * 2)
    quiet = bytes(byte if place % 2 == 0 else 0 for place, byte in enumerate(noise))
    assert not [item for item in await listened(Lengths(), quiet) if isinstance(item, Final)]


def test_utterances_of_a_file_are_heard_together() -> None:
    engine = Lengths()
    heard = transcribing.transcribed(speech() * 3, engine, language="en")
    assert engine.calls == 1
    assert heard.segments[0].start == pytest.approx(1.0, abs=0.5)
    assert heard.seconds == pytest.approx(len(speech()) * 3 / BYTES_PER_SECOND)


def test_a_group_ends_before_it_becomes_too_long() -> None:
    sounds = [Sound(start, start + 9, bytes(4)) for start in (0.0, 10.0, 20.0, 30.0)]
    assert [[sound.start for sound in group] for group in transcribing.together(sounds)] == [[0, 10], [20, 30]]


def test_pauses_between_utterances_stay() -> None:
    joined = transcribing.joined([Sound(1.0, 1.5, b"\1\0" * 8000), Sound(2.0, 2.5, b"\2\0" * 8000)])
    assert joined.seconds == pytest.approx(1.5)
    assert joined.data[BYTES_PER_SECOND // 2 : BYTES_PER_SECOND] == bytes(BYTES_PER_SECOND // 2)
