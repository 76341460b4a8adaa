"""Listens while somebody speaks: samples in, happenings out, from whatever engine is configured."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

from apps.core.confined import Confined, Failed
from apps.core.errors import NitroError
from apps.voice import lanes
from apps.voice.audio import Pcm, Segment
from apps.voice.events import Final, Happening, Partial, Sound, happenings
from apps.voice.providers.base import Transcriber

CELL = "apps.voice.cells.ear"
CALL_SECONDS = 20.0
PAUSE_SECONDS = 0.6  # so long a pause ends an utterance
LOAD_SECONDS = 30.0


@cache
def engine_threads() -> ThreadPoolExecutor:
    """Threads in which engines beside the ear are asked."""
    return ThreadPoolExecutor(8, thread_name_prefix="speech")


class Listening:
    """One stream of one person. Open it, feed it samples (16-bit, mono, 16 kHz), finish or close it.

    Calls to the ear's process run to their end, in order, also when the caller is cancelled: so `close` after a
    cancelled call finds whatever that call has begun.
    """

    def __init__(self, engine: Transcriber, *, language: str, hold: bool = False) -> None:
        self.engine = engine
        self.language = language
        self.hold = hold
        self.name = uuid.uuid4().hex
        self._ear: lanes.Ear | None = None
        self._guess: asyncio.Task[str] | None = None
        self._guessed = ""

    async def open(self) -> None:
        """Take a place at an ear. Raises `Busy` where there is none, and `Confined` where it cannot start."""
        self._ear = lanes.ear_for_somebody()
        try:
            await self._begin()
        except NitroError:
            self._release()
            raise

    async def _begin(self) -> None:
        await self._ask("begin", self.engine.is_in_ear, self.hold, PAUSE_SECONDS)

    async def feed(self, samples: bytes) -> list[Happening]:
        """What is in the next samples. With engines beside the ear an utterance's end takes as long as they do."""
        try:
            raw = await self._ask("listen", samples)
        except Failed as error:
            if error.code != "recording_ended":
                raise
            # Nobody has spoken for so long that the process has ended, or it broke: another one goes on.
            await self._begin()
            raw = await self._ask("listen", samples)
        return await self._understood(happenings(raw))

    async def finish(self) -> list[Happening]:
        """There is no more to come: the last utterance ends here."""
        try:
            return await self._understood(happenings(await self._ask("finish")))
        finally:
            self._release()

    async def close(self) -> None:
        """Forget it all, in the middle of a word."""
        if self._ear is None:
            return
        try:
            await asyncio.shield(asyncio.ensure_future(self._ask("close")))
        except Confined:
            pass  # the process is gone, and the stream with it
        finally:
            self._release()

    async def _ask(self, function: str, *arguments: Any) -> Any:
        if self._ear is None:
            raise NitroError("This recording has ended.", code="recording_ended", hint="Start it again.")
        warm = self._ear.warm
        return await warm.run_async(f"{CELL}.{function}", self.name, *arguments, seconds=CALL_SECONDS)

    def _release(self) -> None:
        if self._guess is not None:
            self._guess.cancel()
            self._guess = None
        if self._ear is not None:
            lanes.ear_release(self._ear)
            self._ear = None

    async def _understood(self, items: list[Happening]) -> list[Happening]:
        """The same, with words from the engine where the ear has none of its own."""
        if self.engine.is_in_ear:
            return items
        return [await self._with_words(item) for item in items]

    async def _with_words(self, item: Happening) -> Happening:
        match item:
            case Sound():
                self._guessed = ""
                text = await self._transcribed(item.samples)
                return Final(Segment(item.start, item.end, text))
            case Partial():
                self._guess_more()
                return Partial(self._guessed)
        return item

    def _guess_more(self) -> None:
        """Let the engine hear the beginning of the utterance, one look at a time."""
        if self._guess is not None and self._guess.done():
            if not self._guess.cancelled() and self._guess.exception() is None:
                self._guessed = self._guess.result()
            self._guess = None
        if self._guess is None:
            self._guess = asyncio.ensure_future(self._so_far())

    async def _so_far(self) -> str:
        return await self._transcribed(await self._ask("so_far"))

    async def _transcribed(self, samples: bytes) -> str:
        if not samples:
            return ""
        call = partial(self.engine.transcribe, Pcm(samples), language=self.language)
        heard = await asyncio.get_running_loop().run_in_executor(engine_threads(), call)
        return heard.text


async def warm_up() -> None:
    """Load the built-in model now, so that the first word is not kept waiting."""
    ear = min(lanes.live_ears(), key=lambda candidate: candidate.streams)
    await ear.warm.run_async(f"{CELL}.warm_up", seconds=LOAD_SECONDS)
