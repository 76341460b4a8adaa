"""A client at the chat's websocket, without a server in between."""

from __future__ import annotations

import asyncio
import json
import uuid
from types import TracebackType
from typing import Any, Self

from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import User
from apps.chat.routing import websocket_urlpatterns

PATIENCE = 20.0
Frame = dict[str, Any]
_application = URLRouter(websocket_urlpatterns)


class Wire:
    """One socket of one user at one conversation; news are kept apart, since they come at any time."""

    def __init__(self, user: User | AnonymousUser, conversation_id: uuid.UUID, query: str = "") -> None:
        self.news: list[Frame] = []
        self.closed_with: int | None = None
        self._user = user
        self._line = WebsocketCommunicator(self._enter, f"/ws/chat/{conversation_id}/{query}")

    async def _enter(self, scope: Any, receive: Any, send: Any) -> None:
        await _application({**scope, "user": self._user}, receive, send)

    async def __aenter__(self) -> Self:
        accepted, _ = await self._line.connect(timeout=PATIENCE)
        assert accepted
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.closed_with is None and not self._line.future.done():
            await self._line.disconnect(timeout=PATIENCE)

    async def say(self, **frame: Any) -> None:
        await self.say_raw(json.dumps(frame))

    async def say_raw(self, text: str | None = None, data: bytes | None = None) -> None:
        await self._line.send_input({"type": "websocket.receive", "text": text, "bytes": data})

    async def ask(self, text: str = "Hello", *, id: uuid.UUID | None = None, **more: Any) -> Frame:
        """Ask, and return the frame that accepts it."""
        await self.say(type="ask", id=str(id or uuid.uuid4()), text=text, **more)
        accepted = await self.next()
        assert accepted["type"] == "accepted", accepted
        return accepted

    async def next(self) -> Frame:
        """The next frame that is no news."""
        while True:
            message = await self._line.receive_output(PATIENCE)
            if message["type"] == "websocket.close":
                self.closed_with = message.get("code", 1000)
                return {"type": "closed", "code": self.closed_with}
            frame = self.parsed(message)
            if frame["type"] != "news":
                return frame
            self.news.append(frame)

    @staticmethod
    def parsed(message: dict[str, Any]) -> Frame:
        """The frame in a message from the application."""
        frame: Frame = json.loads(message["text"])
        return frame

    async def to_the_end(self) -> list[Frame]:
        """All frames up to and with the next `done`."""
        frames: list[Frame] = []
        while not frames or frames[-1]["type"] not in {"done", "closed"}:
            frames.append(await self.next())
        return frames

    async def is_quiet(self, seconds: float = 0.3) -> bool:
        """Whether nothing but news comes for a while."""
        await asyncio.sleep(seconds)
        while not self._line.output_queue.empty():
            message = self._line.output_queue.get_nowait()
            if message["type"] != "websocket.send" or json.loads(message["text"])["type"] != "news":
                return False
        return True


def words(frames: list[Frame]) -> str:
    return "".join(frame["text"] for frame in frames if frame["type"] == "delta")


def seqs(frames: list[Frame]) -> list[int]:
    return [frame["seq"] for frame in frames if frame["type"] in {"delta", "done"}]
