"""A client at the voice socket, without a server in between."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Self

from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import User
from apps.voice.routing import websocket_urlpatterns

PATIENCE = 60.0
FRAME_BYTES = 1_280  # 40 ms
Frame = dict[str, Any]
_application = URLRouter(websocket_urlpatterns)


class Wire:
    """One socket of one user."""

    def __init__(self, user: User | AnonymousUser) -> None:
        self._user = user
        self._line = WebsocketCommunicator(self._enter, "/ws/voice/")

    async def _enter(self, scope: Any, receive: Any, send: Any) -> None:
        await _application({**scope, "user": self._user}, receive, send)

    async def __aenter__(self) -> Self:
        accepted, _ = await self._line.connect(timeout=PATIENCE)
        assert accepted
        if self._user.is_authenticated:
            assert (await self.next())["type"] == "hello"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._line.future.done():
            await self._line.disconnect(timeout=PATIENCE)

    async def tell(self, **frame: Any) -> None:
        await self.send(text=json.dumps(frame))

    async def send(self, text: str | None = None, data: bytes | None = None) -> None:
        await self._line.send_input({"type": "websocket.receive", "text": text, "bytes": data})

    async def speak(self, samples: bytes) -> None:
        """Send sound in frames, as fast as it goes."""
        for place in range(0, len(samples), FRAME_BYTES):
            await self.send(data=samples[place : place + FRAME_BYTES])

    async def next(self) -> Frame:
        """The next frame; sound is one of the type `sound`, and the end of the connection one of the type `closed`."""
        message = await self._line.receive_output(PATIENCE)
        if message["type"] == "websocket.close":
            return {"type": "closed", "code": message.get("code", 1000)}
        if message.get("bytes") is not None:
            return {"type": "sound", "data": message["bytes"]}
        frame: Frame = json.loads(message["text"])
        return frame

    async def until(self, kind: str) -> list[Frame]:
        """All frames up to and with the first one of this kind."""
        frames: list[Frame] = []
        while not frames or frames[-1]["type"] not in {kind, "closed"}:
            frames.append(await self.next())
        return frames


def of(frames: list[Frame], kind: str) -> list[Frame]:
    return [frame for frame in frames if frame["type"] == kind]
