"""Speech: an answer that is read out when it is whole, or while it is written; a recording sent whole, or as spoken."""

from __future__ import annotations

import asyncio
import io
import json
import time
import uuid
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy

from benchmarks.gains.scenario import Facts, Pair, Probe, Scenario
from benchmarks.gains.stage import Stage
from benchmarks.household import Household

RATE = 16_000  # samples a second that the socket takes
FRAME_SECONDS = 0.04
QUIET = 0.3  # seconds before and after the words of a recording
PATIENCE = 60.0  # seconds to wait for the first words
PACE = 20.0  # words a second that a model writes
SPOKEN = "The train to the airport leaves at seven in the morning from the old station."
ANSWER = (
    "Number {n} is a fine one to ask about. The sea is wide, and the ships on it are small. Every one goes home in "
    "the evening. Those who come last are greeted with a lamp. In winter nobody sails at all. Then they mend nets."
)


@dataclass
class Speaker:
    """Somebody with a key, and what was heard of Nitro's speech."""

    house: Household
    key: str
    seen: dict[str, Any] = field(default_factory=dict)

    @asynccontextmanager
    async def http(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A session that carries the key."""
        base, headers = f"http://127.0.0.1:{self.house.port}", {"Authorization": f"Bearer {self.key}"}
        async with aiohttp.ClientSession(base, headers=headers) as session:
            yield session

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The voice socket, after its greeting."""
        async with self.http() as session, session.ws_connect("/ws/voice/") as wire:
            await until(wire, "hello")
            yield wire

    async def sound(self, text: str) -> bytes:
        """The text as a file of sound."""
        async with (
            self.http() as http,
            http.post("/v1/audio/speech", json={"input": text, "response_format": "wav"}) as a,
        ):
            a.raise_for_status()
            return await a.read()


async def until(wire: aiohttp.ClientWebSocketResponse, *kinds: str) -> dict[str, Any]:
    """The next frame of one of these types; a failure that is told is raised."""
    async for message in wire:
        if message.type is aiohttp.WSMsgType.BINARY and "sound" in kinds:
            return {"type": "sound", "bytes": len(message.data)}
        if message.type is not aiohttp.WSMsgType.TEXT:
            continue
        frame: dict[str, Any] = json.loads(message.data)
        if frame["type"] == "error":
            raise ConnectionError(f"{frame['code']}: {frame['message']}")
        if frame["type"] in kinds:
            return frame
    raise ConnectionError("the socket was closed")


# --- Nitro speaks ----------------------------------------------------------------------------------------------------


async def written() -> AsyncIterator[str]:
    """A new answer, word by word, as a model writes it."""
    for word in ANSWER.format(n=uuid.uuid4().int % 10**6).split():
        await asyncio.sleep(1 / PACE)
        yield f"{word} "


async def said_whole(speaker: Speaker) -> float:
    """Seconds from the question to the first sound, where the answer is read out when it is whole."""
    began = time.perf_counter()
    text = "".join([word async for word in written()])
    assert await speaker.sound(text)
    speaker.seen["words_in_first_sound"] = len(text.split())
    return time.perf_counter() - began


async def said_while_written(speaker: Speaker) -> float:
    """The same, where each sentence is read out when it is whole."""
    async with speaker.socket() as wire:
        began, name = time.perf_counter(), uuid.uuid4().hex
        first = asyncio.create_task(first_sound(wire))
        async for word in written():
            if first.done():
                break
            await wire.send_json({"type": "say", "id": name, "text": word})
        speaker.seen["words_in_first_sound"] = len((await first).split())
        return time.perf_counter() - began


async def first_sound(wire: aiohttp.ClientWebSocketResponse) -> str:
    """The words that are heard first, once their sound is here."""
    sentence = await until(wire, "sentence")
    assert (await until(wire, "sound"))["bytes"]
    return str(sentence["text"])


# --- Nitro listens ---------------------------------------------------------------------------------------------------


def samples(file: bytes) -> bytes:
    """A file of sound as the socket takes it, with quiet around it."""
    with wave.open(io.BytesIO(file)) as sound:
        rate = sound.getframerate()
        heard = numpy.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
    places = numpy.arange(0, len(heard) - 1, rate / RATE)
    quiet = bytes(int(QUIET * RATE) * 2)
    spoken: bytes = numpy.interp(places, numpy.arange(len(heard)), heard).astype("<i2").tobytes()
    return quiet + spoken + quiet


def as_file(sound: bytes) -> bytes:
    """The samples as a file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(sound)
    return file.getvalue()


async def frames(sound: bytes) -> AsyncIterator[bytes]:
    """Sound at the speed at which it is spoken."""
    size, began = int(RATE * FRAME_SECONDS) * 2, time.perf_counter()
    for number, place in enumerate(range(0, len(sound), size)):
        await asyncio.sleep(max(0.0, began + (number + 1) * FRAME_SECONDS - time.perf_counter()))
        yield sound[place : place + size]


async def heard_whole(speaker: Speaker, sound: bytes) -> float:
    """Seconds from the first sound to words, where the recording is sent when it is whole."""
    began, recorded = time.perf_counter(), b""
    async for frame in frames(sound):
        recorded += frame
    form = aiohttp.FormData({"response_format": "json"})
    form.add_field("file", as_file(recorded), filename="spoken.wav", content_type="audio/wav")
    async with speaker.http() as http, http.post("/v1/audio/transcriptions", data=form) as answer:
        answer.raise_for_status()
        assert (await answer.json())["text"], "nothing was heard"
    speaker.seen |= {"sound_sent": "when it was whole", "first_words": "all of the transcript"}
    return time.perf_counter() - began


async def heard_while_spoken(speaker: Speaker, sound: bytes) -> float:
    """The same, where Nitro listens while somebody speaks."""
    async with speaker.socket() as wire:
        await wire.send_json({"type": "listen", "id": "bench", "rate": RATE})
        began = time.perf_counter()
        first = asyncio.create_task(first_words(wire))
        async for frame in frames(sound):
            if first.done():
                break
            await wire.send_bytes(frame)
        await wire.send_json({"type": "end"})
        speaker.seen |= {"sound_sent": "while it was spoken", "first_words": (await first)["type"]}
        return time.perf_counter() - began


async def first_words(wire: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """The first frame with words in it: a guess may be taken back, and a breath be no word."""
    async with asyncio.timeout(PATIENCE):
        while not (frame := await until(wire, "partial", "final"))["text"]:
            pass
    return frame


# --- the scenarios ---------------------------------------------------------------------------------------------------


def probe(stage: Stage, speaker: Speaker, sample: Callable[[Speaker], Any]) -> Probe:
    """A side over its coroutine."""

    def proof() -> Facts:
        return dict(speaker.seen)

    return Probe(lambda: float(stage.run(sample(speaker))), proof)


def speakers(stage: Stage) -> tuple[Speaker, Speaker]:
    """For each side somebody at an installation with the engines that Nitro brings."""
    house = stage.web({"STT_ENGINE": "builtin", "TTS_ENGINE": "builtin"})
    return Speaker(house, stage.key()), Speaker(house, stage.key())


def saying(stage: Stage) -> Pair:
    """The answer is written at the same pace for both."""
    one, other = speakers(stage)
    return Pair(probe(stage, one, said_whole), probe(stage, other, said_while_written))


def hearing(stage: Stage) -> Pair:
    """The sentence is spoken at the same pace for both."""
    one, other = speakers(stage)
    sound = samples(stage.run(one.sound(SPOKEN)))
    return Pair(
        probe(stage, one, lambda speaker: heard_whole(speaker, sound)),
        probe(stage, other, lambda speaker: heard_while_spoken(speaker, sound)),
    )


SCENARIOS = (
    Scenario(
        name="voice-said",
        title=f"An answer of six sentences at {PACE:.0f} words/s, question to first sound",
        switched="Whether the answer is read out when it is whole, or sentence by sentence while it is written.",
        baseline="whole",
        optimised="while written",
        unit="s",
        open=saying,
        guide="streaming 1–2 s (60 % faster); < 5 s",
        groups=("voice",),
        pairs=6,
        warm_up=1,
    ),
    Scenario(
        name="voice-heard",
        title="A sentence of 4 s, first sound to first words of the transcript",
        switched="Whether the recording is sent when it is whole, or while it is spoken.",
        baseline="whole",
        optimised="while spoken",
        unit="s",
        open=hearing,
        guide="transcription 3–5 s, streaming 1–2 s (60 % faster)",
        groups=("voice",),
        pairs=6,
        warm_up=1,
        seconds=80.0,
    ),
)
