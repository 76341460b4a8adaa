"""The warm processes in which engines listen and write files; none runs before it is needed, all end when idle."""

from __future__ import annotations

import os
from functools import cache

from apps.core.confined import Warm
from apps.core.errors import Busy
from apps.voice.cells.limits import MOST_STREAMS

EAR_MEMORY_MB = 900  # addresses; resident are some 130 MB, and 65 MB more for each further voice at the same time
WRITER_MEMORY_MB = 500
EAR_IDLE_SECONDS = 120.0
WRITER_IDLE_SECONDS = 300.0


class Ear:
    """A process that listens, and how many streams are open in it."""

    def __init__(self) -> None:
        self.warm = Warm(memory_mb=EAR_MEMORY_MB, idle_seconds=EAR_IDLE_SECONDS)
        self.streams = 0


@cache
def live_ears() -> list[Ear]:
    """For those who speak right now: as many as there are processors, at most four."""
    return [Ear() for _ in range(min(4, len(os.sched_getaffinity(0))))]


@cache
def file_ear() -> Ear:
    """For recordings that were sent as a whole."""
    return Ear()


@cache
def writer() -> Warm:
    """Writes MP3 and Opus."""
    return Warm(memory_mb=WRITER_MEMORY_MB, idle_seconds=WRITER_IDLE_SECONDS)


def ear_for_somebody() -> Ear:
    """The live ear with the fewest streams, one of them now taken. Raises `Busy`; give it back with `ear_release`."""
    ear = min(live_ears(), key=lambda candidate: candidate.streams)
    if ear.streams >= MOST_STREAMS:
        raise Busy("Too many people speak at once.", hint="Try again in a moment.", retry_after=5)
    ear.streams += 1
    return ear


def ear_release(ear: Ear) -> None:
    ear.streams -= 1
