"""How well and how fast Nitro listens and speaks: `python -m benchmarks.speech [--engine whisper]`.

The sentences of `sentences.txt` are spoken by eSpeak NG and heard by the engine, through the same code as in the
product: word error rate; and on a sentence of some 4 s, fed in real time, when the first partial and the final words
come. Times are those of the engines, without a browser and a network.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import time
from functools import cache
from pathlib import Path
from typing import Any

SENTENCES = Path(__file__).with_name("sentences.txt")
LONG = "The train to the airport leaves at seven in the morning from the old station."
FRAME_BYTES = 1_280
FRAME_SECONDS = 0.04
RUNS = 5


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def distance(wanted: list[str], heard: list[str]) -> int:
    """The fewest words to change, add or leave out (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for place, word in enumerate(wanted, 1):
        before, row[0] = row[:], place
        for column, other in enumerate(heard, 1):
            row[column] = min(before[column] + 1, row[column - 1] + 1, before[column - 1] + (word != other))
    return row[-1]


@cache
def mouth() -> Any:
    from apps.voice.providers.builtin import Espeak

    return Espeak()


def recording(text: str) -> bytes:
    """The sentence as an ear takes it, with half a second of quiet before and a second after."""
    from apps.voice import speaking, transcribing
    from apps.voice.audio import wav
    from apps.voice.providers.base import Utterance

    samples = transcribing.decoded(wav(speaking.spoken(mouth(), Utterance(text))), longest=60)
    return bytes(16_000) + samples + bytes(32_000)


def errors(engine: Any) -> dict[str, Any]:
    """How many words of the sentences are heard wrong, and how long it takes per second of speech."""
    from apps.voice import transcribing

    wrong = total = 0
    times = []
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        samples = recording(line)
        began = time.perf_counter()
        heard = transcribing.transcribed(samples, engine, language="en").text
        times.append((time.perf_counter() - began) / (len(samples) / 32_000))
        wrong += distance(words(line), words(heard))
        total += len(words(line))
    return {"sentences": len(times), "word_error_rate": wrong / total, "real_time_factor": statistics.median(times)}


async def one_utterance(engine: Any, samples: bytes, spoken_until: float) -> tuple[float, float]:
    """Seconds from the beginning of the speech to the first partial words, and from its end to the final ones."""
    from apps.voice.events import Final, Partial
    from apps.voice.listening import Listening

    listening = Listening(engine, language="en")
    await listening.open()
    began, first, final = time.perf_counter(), 0.0, 0.0
    for number, place in enumerate(range(0, len(samples), FRAME_BYTES)):
        await asyncio.sleep(max(0.0, began + number * FRAME_SECONDS - time.perf_counter()))
        for item in await listening.feed(samples[place : place + FRAME_BYTES]):
            now = time.perf_counter() - began
            if isinstance(item, Partial) and item.text and not first:
                first = now - 0.5
            if isinstance(item, Final) and not final:
                final = now - spoken_until
    await listening.close()
    return first, final


def last_sound(samples: bytes) -> float:
    """When the last sample that is not quiet was said, in seconds."""
    place = len(samples)
    while place and abs(int.from_bytes(samples[place - 2 : place], "little", signed=True)) < 200:
        place -= 2
    return place / 32_000


async def live(engine: Any) -> dict[str, Any]:
    """When the first words of a long sentence are shown while it is spoken, and the last ones after its end."""
    samples = recording(LONG)
    until = last_sound(samples)
    runs = [await one_utterance(engine, samples, until) for _ in range(RUNS)]
    return {
        "seconds_of_speech": until - 0.5,
        "first_partial_s": statistics.median(run[0] for run in runs),
        "final_after_last_sound_s": statistics.median(run[1] for run in runs),
        "final_after_last_sound_worst_s": max(run[1] for run in runs),
    }


def speech() -> dict[str, Any]:
    """From a whole sentence to its sound as MP3, the cache left out."""
    from apps.voice import registry, speaking
    from apps.voice.providers.base import Utterance

    times = []
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        began = time.perf_counter()
        speaking.written(speaking.spoken(registry.speaker(), Utterance(line)), "mp3")
        times.append(time.perf_counter() - began)
    return {
        "first_ms": times[0] * 1000,
        "median_ms": statistics.median(times) * 1000,
        "worst_ms": max(times[1:]) * 1000,
    }


def file_seconds(engine: Any) -> dict[str, Any]:
    """Seconds for a recording that is there as a whole; the first one loads the engine."""
    from apps.voice import transcribing
    from apps.voice.audio import Pcm, wav

    content = wav(Pcm(recording(LONG)))
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        transcribing.transcribed(transcribing.decoded(content, longest=60), engine, language="en")
        times.append(time.perf_counter() - began)
    return {"file_s": statistics.median(times), "file_first_s": times[0]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speech")
    parser.add_argument("--engine", default="auto", help="as STT_ENGINE")
    os.environ["STT_ENGINE"] = parser.parse_args().engine
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
    import django

    django.setup()
    from apps.voice import registry

    engine = registry.transcriber()
    print(json.dumps({"engine": engine.label, "speech": speech()}, indent=2))
    for measured in (file_seconds(engine), asyncio.run(live(engine)), errors(engine)):
        print(json.dumps(measured, indent=2), flush=True)


if __name__ == "__main__":
    main()
