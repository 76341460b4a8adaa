"""A play for the chat's state machine: clients that remember what they heard, and what must be true of it."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from apps.accounts.models import User
from tests.chat.wire import PATIENCE, Frame, Wire


@dataclass
class Heard:
    """What one client heard of one turn. `asked_after` are the places it asked to be told from, in order."""

    texts: dict[int, str] = field(default_factory=dict)
    last: int = 0
    done: list[Frame] = field(default_factory=list)
    asked_after: list[int] = field(default_factory=list)

    def take(self, frame: Frame) -> None:
        """A delta or the end: the next number, or the first one after a place that was asked for."""
        seq = frame["seq"]
        while seq != self.last + 1 or self.done:
            assert self.asked_after, f"{seq} came after {self.last}"
            after = self.asked_after.pop(0)
            if after + 1 == seq or (frame["type"] == "done" and after >= seq):
                self.done = []
                break
        self.last = seq
        if frame["type"] == "done":
            self.done.append(frame)
        else:
            assert self.texts.setdefault(seq, frame["text"]) == frame["text"]


class Client:
    """A socket whose frames are taken as they come, and checked at once."""

    def __init__(self, user: User, conversation_id: uuid.UUID) -> None:
        self.wire = Wire(user, conversation_id)
        self.turns: defaultdict[str, Heard] = defaultdict(Heard)
        self.replies: dict[str, asyncio.Future[Frame]] = {}
        self.errors: list[Frame] = []
        self.types: Counter[str] = Counter()
        self.reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self.wire.__aenter__()
        self.reading = asyncio.ensure_future(self._read())

    async def close(self) -> None:
        """Hang up; raises what was wrong with anything that was heard."""
        assert self.reading is not None
        self.reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.reading
        await self.wire._line.disconnect(timeout=PATIENCE)

    async def _read(self) -> None:
        while True:
            frame = await self.wire._line.output_queue.get()
            self._take(frame)

    def _take(self, message: Frame) -> None:
        assert message["type"] == "websocket.send", message
        frame: dict[str, Any] = self.wire.parsed(message)
        self.types[frame["type"]] += 1
        if frame["type"] in {"delta", "done"}:
            self.turns[frame["turn"]].take(frame)
        elif frame["type"] == "error":
            self.errors.append(frame)
        if frame["type"] in {"accepted", "error"} and (waiting := self.replies.pop(str(frame.get("id")), None)):
            waiting.set_result(frame)

    async def request(self, **frame: Any) -> Frame:
        """Send a frame with an id and return its reply."""
        identity = str(frame.setdefault("id", str(uuid.uuid4())))
        reply: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self.replies[identity] = reply
        await self.wire.say(**frame)
        async with asyncio.timeout(PATIENCE):
            answer = await reply
        if answer["type"] == "accepted":
            self.turns[answer["turn"]].asked_after.append(0)
        return answer

    async def attach(self, turn: str, after: int) -> None:
        self.turns[turn].asked_after.append(after)
        await self.wire.say(type="attach", turn=turn, after=after)

    async def until_done(self, turn: str) -> Heard:
        """What was heard of a turn, once its end was heard."""
        assert self.reading is not None
        async with asyncio.timeout(PATIENCE):
            while not self.turns[turn].done and not self.reading.done():
                await asyncio.sleep(0.01)
        if self.reading.done():
            self.reading.result()
        return self.turns[turn]
