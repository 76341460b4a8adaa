"""The websocket door of speech: sound comes in as binary frames, words go out; texts come in, sound goes out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer

from apps.accounts import open_sockets
from apps.accounts.models import User
from apps.accounts.open_sockets import PAUSED, About, Session, paused
from apps.core.addresses import scope_address
from apps.core.database import in_database
from apps.core.errors import NitroError
from apps.voice import frames, listening, registry, selectors, speaking
from apps.voice.clips import Order
from apps.voice.dictation import Dictation
from apps.voice.frames import Cancel, ClientFrame, End, Listen, NotJson, Played, Say
from apps.voice.listening import Listening
from apps.voice.providers.base import Utterance
from apps.voice.recital import SILENT, Recital
from apps.voice.selectors import Taste

logger = logging.getLogger(__name__)
NOT_SIGNED_IN = 4401
DATABASE_AWAY = 1013
NOT_JSON = 1007
KIND = "mp3"
READY = "Ready."
WORK = frozenset({"ear", "mouth"})


class VoiceConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels brings no types
    """One socket of one person: at most one recording and one text at a time.

    Channels hands over one message at a time, so nothing here waits for an engine: everything slow is a task.
    """

    channel_layer_alias = "none"

    async def connect(self) -> None:
        self.user: User = self.scope["user"]
        self.dictation: Dictation | None = None
        self.recital: Recital | None = None
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.line = asyncio.Lock()
        self.refused = self.gone = False
        about = About(self.user.pk or 0, address=scope_address(self.scope), kind="voice")
        self.session = Session(is_busy=self._is_busy, pause=self._pause, about=about)
        await self.accept()
        if not self.user.is_authenticated:
            await self._refuse(NOT_SIGNED_IN, NitroError("You are not signed in.", code="not_signed_in"))
            return
        try:
            self.taste: Taste = await in_database(selectors.taste_get, user=self.user)
        except NitroError as error:
            await self._refuse(DATABASE_AWAY, error)
            return
        await open_sockets.sessions().enter(self.session)
        await self._tell(frames.hello(self.taste))
        self._begin("warm", warm_up())

    async def disconnect(self, code: int) -> None:
        """Nothing goes on without somebody who listens."""
        self.gone = True
        open_sockets.sessions().leave(self.session)
        for task in self.tasks.values():
            task.cancel()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels', without its detour through a thread: connections belong to `in_database` alone."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.refused:
            return
        self.session.touch()
        try:
            if text_data is None:
                self._take(frames.sound(bytes_data or b""))
            else:
                self._obey(frames.parse(text_data))
        except NotJson as error:
            await self._refuse(NOT_JSON, error)
        except NitroError as error:
            await self._tell(frames.error(error))

    def _take(self, samples: bytes) -> None:
        """Sound belongs to the recording there is; what comes after its end, or before its beginning, is dropped."""
        if self.dictation is None:
            return
        try:
            self.dictation.take(samples)
        except NitroError:
            self._cancel("ear")
            self.dictation = None
            raise

    def _obey(self, frame: ClientFrame) -> None:
        match frame:
            case Listen():
                self._listen(frame)
            case End():
                if self.dictation is not None:
                    self.dictation.end()
            case Cancel():
                self._cancel("ear")
                self.dictation = None
            case Say():
                self._say(frame)
            case Played():
                if self.recital is not None and self.recital.name == frame.id:
                    self.recital.played(frame.index)
            case _:
                self._hush()

    # --- somebody speaks ---

    def _listen(self, frame: Listen) -> None:
        engine, language = registry.transcriber(), frame.language or self.taste.language
        self.dictation = Dictation(frame.id, Listening(engine, language=language, hold=frame.hold), self._tell)
        self._begin("ear", self.dictation.run())

    # --- Nitro speaks ---

    def _say(self, frame: Say) -> None:
        """A text with a new name takes the place of the one that is being said."""
        if self.recital is None or self.recital.name != frame.id:
            utterance = Utterance("", self.taste.voice, self.taste.speed, self.taste.language)
            kind = SILENT if self.taste.browser_voice else KIND
            self.recital = Recital(frame.id, Order(self.user, utterance, kind), self._tell_both)
            self._begin("mouth", self.recital.run())
        self.recital.take(frame.text, end=frame.end)

    def _hush(self) -> None:
        if self.recital is not None:
            self._cancel("mouth")
            self._begin("hushed", self._tell({"type": "said", "id": self.recital.name}))
            self.recital = None

    # --- tasks and the line ---

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside; what has the same name ends."""
        self._cancel(name)
        task = self.tasks[name] = asyncio.ensure_future(work)
        task.add_done_callback(lambda done: self._over(name, done))

    def _cancel(self, name: str) -> None:
        if (task := self.tasks.pop(name, None)) is not None:
            task.cancel()

    def _over(self, name: str, task: asyncio.Task[None]) -> None:
        if self.tasks.get(name) is task:
            del self.tasks[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("The voice socket stumbled.", exc_info=error)

    def _is_busy(self) -> bool:
        """Whether somebody speaks or is spoken to."""
        return not WORK.isdisjoint(self.tasks)

    def _pause(self, by_hand: bool) -> None:
        """Say no more, listen no more, and close."""
        self.refused = True
        for name in WORK:
            self._cancel(name)
        self._begin("pause", self._refuse(PAUSED, paused("An administrator closed the voice connection.")))

    async def _refuse(self, code: int, problem: NitroError) -> None:
        """Say why and close; whatever the client had sent already is not looked at any more."""
        self.refused = True
        await self._tell(frames.error(problem))
        await self.close(code)

    async def _tell(self, frame: dict[str, Any]) -> None:
        await self._tell_both(frame, None)

    async def _tell_both(self, frame: dict[str, Any], content: bytes | None) -> None:
        """A frame and the sound that belongs to it, with nothing in between."""
        async with self.line:
            if self.gone:
                return
            await self.send(text_data=frames.render(frame))
            if content is not None:
                await self.send(bytes_data=content)


async def warm_up() -> None:
    """Start what will be needed in a moment; where that does not go, the first use will say why."""
    try:
        if registry.transcriber().is_in_ear:
            await listening.warm_up()
        if registry.speaker().kind == "builtin":  # others may cost money
            await asyncio.get_running_loop().run_in_executor(listening.engine_threads(), clear_the_throat)
    except NitroError as error:
        logger.info("The engines of speech could not be warmed up: %s", error.message)


def clear_the_throat() -> None:
    speaking.written(speaking.spoken(registry.speaker(), Utterance(READY)), KIND)
