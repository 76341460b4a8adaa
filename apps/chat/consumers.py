"""The websocket door of the chat: checks frames, starts tasks, and sends what turns say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.generic.websocket import AsyncWebsocketConsumer

from apps.accounts.models import User
from apps.accounts.open_sockets import PAUSED, About, Session, paused
from apps.chat import frames, selectors, sessions, turns
from apps.chat.frames import Attach, BadFrame, ClientFrame, NotJson, Stop
from apps.chat.needs import Starter
from apps.chat.telling import frames_of
from apps.core.addresses import scope_address
from apps.core.database import in_database
from apps.core.errors import NitroError

NOT_SIGNED_IN = 4401
NOT_FOUND = 4404
RESTARTING = 1012
TRY_AGAIN_LATER = 1013
NOT_JSON = 1007
FRAMES_PER_SECOND = 60


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels brings no types
    """One socket of one conversation.

    Channels hands over one message at a time, so nothing here waits for a turn: every frame becomes a task, and every
    turn that is followed has a task that sends.
    """

    channel_layer_alias = "none"  # news come through `turns.on_news`: an outage of Redis must not close sockets

    async def connect(self) -> None:
        self.user: User = self.scope["user"]
        self.conversation_id: UUID = self.scope["url_route"]["kwargs"]["conversation_id"]
        self.address = scope_address(self.scope)
        self.html = parse_qs(self.scope["query_string"].decode("latin-1")).get("html") == ["1"]
        self.following: dict[UUID, asyncio.Task[None]] = {}
        self.opening: set[UUID] = set()
        self.wishes: dict[UUID, object] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.second, self.frames_in_second = 0, 0
        self.refused = False
        about = About(self.user.pk or 0, str(self.conversation_id), self.address)
        self.session = Session(is_busy=self._is_busy, pause=self._pause, about=about)
        await self.accept()
        if not self.user.is_authenticated:
            await self._refuse(NOT_SIGNED_IN, NitroError("You are not signed in.", code="not_signed_in"))
            return
        try:
            await in_database(selectors.conversation_get, user=self.user, conversation_id=self.conversation_id)
            await sessions.enter(self.session)
        except NitroError as error:
            await self._refuse(NOT_FOUND if error.permanent else TRY_AGAIN_LATER, error)
            return
        turns.on_news(self.conversation_id, self._hear)

    async def disconnect(self, code: int) -> None:
        """The turns go on; only the sending ends."""
        turns.off_news(self.conversation_id, self._hear)
        sessions.sessions().leave(self.session)
        for task in [*self.tasks, *self.following.values()]:
            task.cancel()

    async def _refuse(self, code: int, problem: NitroError) -> None:
        """Say why and close; whatever the client had sent already is not looked at any more."""
        self.refused = True
        await self._send(frames.error(problem))
        await self.close(code)

    def _is_busy(self) -> bool:
        return bool(self.following or self.opening)

    def _pause(self, by_hand: bool) -> None:
        told = "An administrator closed this chat's connection." if by_hand else "This chat made room for another one."
        for task in self.following.values():
            task.cancel()  # the answers go on, and are there when the page goes on
        self._spawn(self._refuse(PAUSED, paused(told)))

    # --- what the client says ---

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels', without its detour through a thread: connections belong to `in_database` alone."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.refused or self._flooding():
            return
        self.session.touch()
        try:
            if text_data is None:
                raise BadFrame("Binary frames are not understood here.", hint="Send JSON as text.")
            frame = frames.parse(text_data)
        except NotJson as error:
            await self._refuse(NOT_JSON, error)
        except BadFrame as error:
            await self._send(frames.error(error, request=error.request))
        else:
            self._spawn(self._answer(frame))

    def _flooding(self) -> bool:
        """Whether this second has had its frames; the first one too many is answered, the others are dropped."""
        now = int(time.monotonic())
        if now != self.second:
            self.second, self.frames_in_second = now, 0
        self.frames_in_second += 1
        if self.frames_in_second == FRAMES_PER_SECOND + 1:
            problem = NitroError("Too many frames at once.", code="flood", hint="Send them slower.", retry_after=1)
            self._spawn(self._send(frames.error(problem)))
        return self.frames_in_second > FRAMES_PER_SECOND

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, frame: ClientFrame) -> None:
        try:
            match frame:
                case Stop():
                    await turns.stop(user=self.user, conversation_id=self.conversation_id, turn_id=frame.turn)
                case Attach():
                    await self._follow(frame.turn, frame.after)
                case _:
                    await self._start(frame)
        except NitroError as error:
            turn = frame.turn if isinstance(frame, Stop | Attach) else None
            await self._send(frames.error(error, turn=turn, request=getattr(frame, "id", None)))
            if error.code == "restarting" and not self.following:
                self.refused = True  # nothing holds it here: another process may take what the page sends again
                await self.close(RESTARTING)

    async def _start(self, frame: Starter) -> None:
        # Shielded: when the client leaves right now, the turn begins all the same.
        started = await asyncio.shield(
            asyncio.ensure_future(
                turns.start(user=self.user, conversation_id=self.conversation_id, frame=frame, address=self.address)
            )
        )
        await self._send(
            frames.accepted(
                request=started.request_id,
                turn=started.turn_id,
                question=started.question_id,
                answer=started.answer_id,
            )
            | {"title": started.title}
            | ({"notice": started.notice} if started.notice else {})
        )
        if started.turn_id in self.following or started.turn_id in self.opening:
            return
        self.opening.add(started.turn_id)
        try:
            await self._follow(started.turn_id, 0)
        finally:
            self.opening.discard(started.turn_id)

    # --- what the turns say ---

    async def _follow(self, turn_id: UUID, after: int) -> None:
        """Tell a turn from `after` on, instead of from wherever it is being told; the last wish counts."""
        wish = self.wishes[turn_id] = object()
        try:
            items = await turns.attach(
                user=self.user, conversation_id=self.conversation_id, turn_id=turn_id, after=after, html=self.html
            )
        finally:
            is_last = self.wishes.get(turn_id) is wish
            if is_last:
                del self.wishes[turn_id]
        if not is_last:
            await items.aclose()
            return
        if (old := self.following.pop(turn_id, None)) is not None:
            old.cancel()
        self.following[turn_id] = asyncio.ensure_future(self._tell(turn_id, items))

    async def _tell(self, turn_id: UUID, items: Any) -> None:
        """Send a turn's items. Where the client reads slowly, `send` waits, and the log keeps what is to come."""
        turn = str(turn_id)
        try:
            async for item in items:
                for frame in frames_of(turn, item):
                    await self._send(frame)
        finally:
            await items.aclose()
            if self.following.get(turn_id) is asyncio.current_task():
                del self.following[turn_id]

    def _hear(self, item: dict[str, Any]) -> None:
        self._spawn(self._send({"type": "news", **item}))

    async def _send(self, frame: dict[str, Any]) -> None:
        await self.send(text_data=frames.render(frame))
