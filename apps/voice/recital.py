"""A text is read aloud into a socket while it is still being written: sentence by sentence, never far ahead."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from apps.core.errors import NitroError
from apps.voice import clips, frames
from apps.voice.clips import Order
from apps.voice.sentences import Sentences

Tell = Callable[[dict[str, Any], bytes | None], Awaitable[None]]
AHEAD = 4  # sentences that may be on their way or wait to be played
TEXT_LIMIT = 200_000  # characters of one text
SILENT = "text"  # instead of a kind of file: the browser says the sentences in a voice of its own


class Recital:
    """One text. Feed it with `take`; `run` does the work until its end. `order` says for whom and in which voice."""

    def __init__(self, name: str, order: Order, tell: Tell) -> None:
        self.name = name
        self._order = order
        self._tell = tell
        self._cutter = Sentences()
        self._lines: deque[str] = deque()
        self._length = 0
        self._sent = self._played = 0
        self._ended = False
        self._more = asyncio.Event()

    def take(self, text: str, *, end: bool) -> None:
        """More of the text. What is beyond all measure is not said."""
        self._length += len(text)
        if not self._ended and self._length <= TEXT_LIMIT:
            self._lines += self._cutter.feed(text)
        if end and not self._ended:
            self._lines += self._cutter.end()
            self._ended = True
        self._more.set()

    def played(self, index: int) -> None:
        """The listener has heard a sentence to its end."""
        self._played = max(self._played, min(index + 1, self._sent))
        self._more.set()

    async def run(self) -> None:
        """Say it all, or as much as comes before this is cancelled; an engine's failure is told."""
        try:
            while await self._next():
                await self._say(self._lines.popleft())
        except NitroError as error:
            await self._tell(frames.error(error, id=self.name), None)
        await self._tell({"type": "said", "id": self.name}, None)

    async def _next(self) -> bool:
        """Wait until there is something to say and room for it; False at the end."""
        while not (self._lines and self._sent - self._played < AHEAD):
            if self._ended and not self._lines:
                return False
            self._more.clear()
            await self._more.wait()
        return True

    async def _say(self, line: str) -> None:
        order = replace(self._order, utterance=replace(self._order.utterance, text=line))
        content = None if order.kind == SILENT else await clips.clip_async(order)
        frame = {"type": "sentence", "id": self.name, "index": self._sent, "text": line, "format": order.kind}
        self._sent += 1
        await self._tell({**frame, "bytes": len(content or b"")}, content)
