"""The websocket door of the pictures: tells a user how their jobs stand. It listens to nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer

from apps.accounts import open_sockets
from apps.accounts.open_sockets import PAUSED, About, Session, paused
from apps.core.addresses import scope_address
from apps.images import hearing

NOT_SIGNED_IN = 4401
MOST_WAITING = 200  # frames that a reader may be behind; what is older is dropped, since only the newest counts


class ImagesConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels brings no types
    """One page that shows jobs. Frames: `{"type":"job","job","state","progress","preview"?,"note"?}`, and an `error`
    where an administrator closes it."""

    channel_layer_alias = "none"  # news come through `hearing`: an outage of Redis must not close sockets

    async def connect(self) -> None:
        self.sending: asyncio.Task[None] | None = None
        user = self.scope["user"]
        about = About(user.pk or 0, address=scope_address(self.scope), kind="pictures")
        self.session = Session(is_busy=lambda: False, pause=self._pause, about=about)
        await self.accept()
        if not user.is_authenticated:
            await self.close(NOT_SIGNED_IN)
            return
        await open_sockets.sessions().enter(self.session)
        self.waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_WAITING)
        self.sending = asyncio.ensure_future(self._send_all())
        hearing.ears().open(user.pk, self._hear)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels', without its detour through a thread: this needs no database."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nothing that a client says has a meaning here."""

    async def disconnect(self, code: int) -> None:
        open_sockets.sessions().leave(self.session)
        if self.sending is not None:
            hearing.ears().close(self.scope["user"].pk, self._hear)
            self.sending.cancel()

    def _pause(self, by_hand: bool) -> None:
        """Say why and close; what is drawn is drawn all the same."""
        if self.sending is not None:
            self.sending.cancel()
        self.sending = asyncio.ensure_future(self._end())

    async def _end(self) -> None:
        problem = paused("An administrator closed this page's connection.")
        await self._say(type="error", code=problem.code, message=problem.message, hint=problem.hint)
        await self.close(PAUSED)

    def _hear(self, item: dict[str, Any]) -> None:
        self.session.touch()
        if self.waiting.full():
            self.waiting.get_nowait()
        self.waiting.put_nowait(item)

    async def _send_all(self) -> None:
        while True:
            item = await self.waiting.get()
            await self._say(type="job", **item)

    async def _say(self, **frame: Any) -> None:
        await self.send(text_data=orjson.dumps(frame).decode())
