"""A program at the websocket of a real web process: asks, listens, and remembers when it heard what."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import websockets
from websockets.exceptions import ConnectionClosed

from tests.faults.house import House, WebProcess

Frame = dict[str, Any]
PATIENCE = 30.0


async def until(true: Callable[[], object], seconds: float = PATIENCE, what: str = "") -> float:
    """Wait until it is true and return how many seconds that took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what or true}"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


class Talk:
    """One socket. `frames` are all frames with the time of their arrival; the reader runs until the socket closes."""

    def __init__(self, house: House, web: WebProcess, conversation: str, query: str = "") -> None:
        self.url = f"ws://127.0.0.1:{web.port}/ws/chat/{conversation}/{query}"
        self.headers = {"Authorization": f"Bearer {house.key}"}
        self.frames: list[tuple[float, Frame]] = []
        self.code: int | None = None  # what the socket was closed with
        self.reason = ""

    async def __aenter__(self) -> Self:
        self.wire = await websockets.connect(
            self.url, additional_headers=self.headers, compression=None, open_timeout=PATIENCE, close_timeout=1
        )
        self.reading = asyncio.ensure_future(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.reading
        self.wire.transport.abort()

    async def _read(self) -> None:
        try:
            async for message in self.wire:
                self.frames.append((time.monotonic(), json.loads(message)))
        except ConnectionClosed:
            pass
        self.code, self.reason = self.wire.close_code, self.wire.close_reason or ""

    def of(self, kind: str, turn: str = "") -> list[Frame]:
        """The frames of one type, of one turn or of all."""
        return [frame for _, frame in self.frames if frame["type"] == kind and turn in {"", frame.get("turn")}]

    def text(self, turn: str) -> str:
        return "".join(frame["text"] for frame in self.of("delta", turn))

    def last_seq(self, turn: str) -> int:
        return max((frame["seq"] for frame in self.of("delta", turn)), default=0)

    async def say(self, **frame: Any) -> None:
        await self.wire.send(json.dumps(frame))

    async def request(self, seconds: float = PATIENCE, **frame: Any) -> Frame:
        """Send a frame with an id; returns what answers it, `accepted` or `error`."""
        identity = frame.setdefault("id", str(uuid.uuid4()))
        await self.say(**frame)

        def reply() -> Frame | None:
            found = [f for f in (*self.of("accepted"), *self.of("error")) if f.get("id") == identity]
            return found[-1] if found else None

        await until(lambda: reply() or self.code is not None, seconds, f"a reply to {frame['type']}")
        return reply() or {"type": "closed", "code": self.code}

    async def ask(self, text: str = "Hello", **more: Any) -> Frame:
        """Ask; returns the frame `accepted`."""
        accepted = await self.request(type="ask", text=text, **more)
        assert accepted["type"] == "accepted", accepted
        return accepted

    async def done(self, turn: str, seconds: float = PATIENCE) -> Frame:
        """The end of a turn."""
        await until(lambda: self.of("done", turn) or self.code is not None, seconds, "done")
        (end,) = self.of("done", turn)
        return end
