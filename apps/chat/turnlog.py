"""The numbered events of one running turn, in the memory of the process that runs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.chat.blocks import Patch, Rendering


@dataclass(frozen=True, slots=True)
class Delta:
    """The words with the number `seq`; `html` is the patch that shows them, where rendering was asked for."""

    seq: int
    text: str
    html: Patch | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What happens before the first word; a search says which page of how many is being read."""

    state: str
    position: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """What the model thinks aloud before it answers, from character `at` of its thinking on. It has no number.

    Everybody who begins to follow hears it from the beginning; it is kept with the answer, but not in Redis.
    """

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class End:
    """The last event. `done` are the fields of the closing frame, `error` those of the error before it, if any."""

    seq: int
    done: Mapping[str, Any]
    error: Mapping[str, Any] | None = None
    html: Patch | None = None


Item = Delta | Status | Thought | End


class Patches:
    """HTML patches by `seq`, made when first asked for and shared by everybody who reads the same turn."""

    def __init__(self, base_text: str) -> None:
        self._rendering = Rendering(base_text)
        self._made: list[Patch | None] = []
        self._last: Patch | None = None
        self._finished = False

    def at(self, seq: int, texts: list[str]) -> Patch | None:
        """The patch of delta `seq`; `texts` are all deltas so far."""
        for text in texts[len(self._made) : seq]:
            self._made.append(self._rendering.feed(text))
        return self._made[seq - 1]

    def last(self, texts: list[str]) -> Patch | None:
        """The patch that leaves every block as a whole rendering would have made it."""
        if not self._finished:
            if texts:
                self.at(len(texts), texts)
            self._last = self._rendering.finish()
            self._finished = True
        return self._last

    def html(self, texts: list[str]) -> str:
        """The whole answer's HTML, once it is finished."""
        self.last(texts)
        return "".join(self._rendering.blocks)


class TurnLog:
    """Grows by one entry per delta; any number of readers follow it from any point, each at its own pace."""

    def __init__(self, turn_id: UUID, base_text: str = "", reasoning: str = "") -> None:
        self.turn_id = turn_id
        self.base_text = base_text
        self.thoughts: list[str] = [reasoning] if reasoning else []
        self.thought = len(reasoning)  # characters of the thoughts so far
        self.texts: list[str] = []
        self.marks: list[int] = []
        self.status: Status | None = None
        self.end: End | None = None
        self._patches: Patches | None = None
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def length(self) -> int:
        """Characters of this turn so far."""
        return self.marks[-1] if self.marks else 0

    @property
    def text(self) -> str:
        """The whole answer so far, what stood there before this turn included."""
        return self.base_text + "".join(self.texts)

    @property
    def reasoning(self) -> str:
        """All that was thought, before this turn included."""
        return "".join(self.thoughts)

    def think(self, text: str) -> None:
        self.thoughts.append(text)
        self.thought += len(text)
        self._wake()

    def append(self, text: str) -> None:
        self.texts.append(text)
        self.marks.append(self.length + len(text))
        self._wake()

    def set_status(self, status: Status) -> None:
        self.status = status
        self._wake()

    def finish(self, done: Mapping[str, Any], error: Mapping[str, Any] | None = None) -> End:
        """Write the last event; nothing can follow it."""
        self.end = End(len(self.texts) + 1, done, error)
        self._wake()
        return self.end

    def rendered(self) -> str | None:
        """The finished answer's HTML where some reader had it rendered anyway."""
        return self._patches.html(self.texts) if self._patches else None

    async def follow(self, after: int, *, html: bool) -> AsyncGenerator[Item, None]:
        """Everything after `seq` = `after`, then live, to the end, which every reader hears once."""
        seen, told, heard, at = after, None, 0, 0
        while True:
            if heard < len(self.thoughts):
                text, heard = "".join(self.thoughts[heard:]), len(self.thoughts)
                yield Thought(at, text)
                at += len(text)
            elif seen < len(self.texts):
                seen += 1
                yield self._delta(seen, html=html)
            elif self.end is not None:
                yield self._end(self.end, html=html)
                return
            elif self.status is not told and not self.texts:
                told = self.status
                if told is not None:
                    yield told
            else:
                await self._changed()

    def _delta(self, seq: int, *, html: bool) -> Delta:
        return Delta(seq, self.texts[seq - 1], self._html().at(seq, self.texts) if html else None)

    def _end(self, end: End, *, html: bool) -> End:
        return End(end.seq, end.done, end.error, self._html().last(self.texts)) if html else end

    def _html(self) -> Patches:
        if self._patches is None:
            self._patches = Patches(self.base_text)
        return self._patches

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def _changed(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future
