"""Somebody speaks into a socket: sound is queued, listened to as fast as it goes, and what is heard is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from apps.core.errors import NitroError
from apps.voice import frames
from apps.voice.audio import BYTES_PER_SECOND
from apps.voice.events import Final, Happening, Partial, Started
from apps.voice.listening import Listening

Tell = Callable[[dict[str, Any]], Awaitable[None]]
LATEST_BYTES = 20 * BYTES_PER_SECOND  # of sound that nobody has listened to yet; then it is too much
PIECE_BYTES = BYTES_PER_SECOND // 2
ACKNOWLEDGE_BYTES = BYTES_PER_SECOND


class TooSlow(NitroError):
    """The engine cannot keep up, and sound would pile up."""

    code = "overrun"
    status = 503
    permanent = False
    hint = "This machine is too busy to listen right now. Try again in a moment."


class Dictation:
    """One recording while it is made. Feed it with `take`, end it with `end`; `run` does the work until then."""

    def __init__(self, name: str, listening: Listening, tell: Tell) -> None:
        self.name = name
        self._listening = listening
        self._tell = tell
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._heard_bytes = self._told_bytes = 0
        self._more = asyncio.Event()
        self._ended = False

    def take(self, samples: bytes) -> None:
        """Queue some sound. Raises `TooSlow` when too much of it waits."""
        if self._waiting_bytes + len(samples) > LATEST_BYTES:
            raise TooSlow("The sound comes faster than it can be listened to.")
        self._waiting.append(samples)
        self._waiting_bytes += len(samples)
        self._more.set()

    def end(self) -> None:
        """No more sound comes."""
        self._ended = True
        self._more.set()

    async def run(self) -> None:
        """Listen until the end, or until this is cancelled; whatever goes wrong is told. Leaves nothing running."""
        try:
            await self._listening.open()
            await self._send({"type": "listening"})
            while not (self._ended and not self._waiting):
                await self._listen()
            await self._report(await self._listening.finish())
        except NitroError as error:
            await self._tell(frames.error(error, id=self.name))
        finally:
            await self._listening.close()
            await self._send({"type": "ended"})

    async def _listen(self) -> None:
        await self._more.wait()
        samples = self._taken()
        if not self._waiting and not self._ended:
            self._more.clear()
        if samples:
            await self._report(await self._listening.feed(samples))
            await self._acknowledge(len(samples))

    def _taken(self) -> bytes:
        """What waits, at most half a second of it."""
        parts, size = [], 0
        while self._waiting and size < PIECE_BYTES:
            part = self._waiting.popleft()
            parts.append(part)
            size += len(part)
        self._waiting_bytes -= size
        return b"".join(parts)

    async def _acknowledge(self, size: int) -> None:
        """Tell now and then how far it has come, so that the sender can hold back."""
        self._heard_bytes += size
        if self._heard_bytes - self._told_bytes >= ACKNOWLEDGE_BYTES:
            self._told_bytes = self._heard_bytes
            await self._send({"type": "heard", "ms": self._heard_bytes * 1000 // BYTES_PER_SECOND})

    async def _report(self, items: list[Happening]) -> None:
        for item in items:
            match item:
                case Started():
                    await self._send({"type": "speech", "at": round(item.at, 2)})
                case Partial():
                    await self._send({"type": "partial", "text": item.text})
                case Final():
                    part = item.segment
                    times = {"start": round(part.start, 2), "end": round(part.end, 2)}
                    await self._send({"type": "final", "text": part.text, **times})

    async def _send(self, frame: dict[str, Any]) -> None:
        await self._tell({**frame, "id": self.name})
