"""The websocket door of the pictures: tells a user how their jobs stand. It listens to nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer

from apps.images import hearing

NOT_SIGNED_IN = 4401
MOST_WAITING = 200  # frames that a reader may be behind; what is older is dropped, since only the newest counts


class ImagesConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels brings no types
    """One page that shows jobs. Frames: `{"type":"job","job","state","progress","preview"?,"note"?}`."""

    channel_layer_alias = "none"  # news come through `hearing`: an outage of Redis must not close sockets

    async def connect(self) -> None:
        self.sending: asyncio.Task[None] | None = None
        await self.accept()
        if not self.scope["user"].is_authenticated:
            await self.close(NOT_SIGNED_IN)
            return
        self.waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_WAITING)
        self.sending = asyncio.ensure_future(self._send_all())
        hearing.ears().open(self.scope["user"].pk, self._hear)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels', without its detour through a thread: this needs no database."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nothing that a client says has a meaning here."""

    async def disconnect(self, code: int) -> None:
        if self.sending is not None:
            hearing.ears().close(self.scope["user"].pk, self._hear)
            self.sending.cancel()

    def _hear(self, item: dict[str, Any]) -> None:
        if self.waiting.full():
            self.waiting.get_nowait()
        self.waiting.put_nowait(item)

    async def _send_all(self) -> None:
        while True:
            item = await self.waiting.get()
            await self.send(text_data=orjson.dumps({"type": "job", **item}).decode())
