"""Live sessions: the open sockets of one process, told to Redis, so that all processes know who is here.

Sockets belong to a room. One that counts its sockets has so many places; one more closes the longest idle one. Redis
knows every open socket by the process that holds it, ordered by how long it has been idle; a process that is killed
takes its sockets with it when its lease is over. Without Redis nobody is kept out, and nobody is seen.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from socket import gethostname
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings

from apps.accounts.open_sockets_script import BEAT, BESIDE, DESCRIBE, FORGET, OPEN
from apps.core import memory, news
from apps.core.errors import NitroError
from apps.core.memory import MemoryAway

PAUSED = 4408  # the close code of a socket that made room, or that an administrator closed; its page offers to go on
BEAT_SECONDS = 3.0
LEASE_MS = 15_000
AT_ONCE = 1000  # sockets in one command
NEWS = "pause"
NO_LIMIT = 2**53


def paused(why: str) -> NitroError:
    """What a page is told before its socket is closed."""
    return NitroError(why, code="paused", hint="Go on whenever you like.")


@dataclass(frozen=True, slots=True)
class Room:
    """Sockets that are known, and may be counted, together: their name in Redis, and how many places there are."""

    name: str
    places: Callable[[], int] = lambda: NO_LIMIT


@dataclass(frozen=True, slots=True)
class About:
    """Whose socket it is, of which chat, from where, of which kind, since when (Unix time), and who holds it."""

    user: int = 0
    conversation: str = ""
    address: str = ""
    kind: str = "chat"
    since: float = field(default_factory=time.time)
    host: str = field(default_factory=lambda: gethostname()[:60])
    process: str = field(default_factory=lambda: str(settings.NITRO_SLOT))


@dataclass(eq=False, slots=True)
class Session:
    """One open socket. `is_busy` says whether something goes on in it, `pause` closes it: for a newcomer, or, where its
    argument is true, because an administrator wants it."""

    is_busy: Callable[[], bool]
    pause: Callable[[bool], None]
    about: About = field(default_factory=About)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    last: float = field(default_factory=monotonic)
    is_known: bool = False  # to Redis, which may have been away when it was opened
    is_described: bool = False

    def touch(self) -> None:
        """Somebody uses it."""
        self.last = monotonic()

    def idle_ms(self) -> int:
        """For how long nobody has used it; -1 while it is busy."""
        if self.is_busy():
            self.touch()
            return -1
        return round((monotonic() - self.last) * 1000)


class Sessions:
    """The open sockets of one room in one event loop."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.owner = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self.open: dict[str, Session] = {}
        self._beating: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def enter(self, session: Session) -> bool:
        """Count a socket in, in one round trip; False where all places are taken and nobody can make room."""
        try:
            found = await memory.asked(_open, self.room, self.owner, session.id)
            session.is_known = True
        except MemoryAway:
            found = [1]
        if found[0] == 0:
            return False
        self.open[session.id] = session
        self._spawn(self._describe())
        if self._beating is None or self._beating.done():
            self._beating = asyncio.ensure_future(self._beat_for_ever())
        if found[0] == 2:
            self._spawn(self._ask_to_pause(found[1].decode(), found[2].decode()))
        return True

    def leave(self, session: Session) -> None:
        """Count a socket out; harmless where it was not in."""
        if self.open.pop(session.id, None) is None:
            return
        self._spawn(self._forget(session.id))
        if not self.open and self._beating is not None:
            self._beating.cancel()

    def hear(self, item: dict[str, Any]) -> None:
        """News: one of our sockets was closed for a newcomer or by an administrator."""
        if item.get("owner") == self.owner:
            self._close(str(item.get("socket")), by_hand=bool(item.get("by_hand")))

    async def beat(self) -> None:
        """Tell Redis how idle our sockets are, and close those that had to make room."""
        with suppress(MemoryAway):
            told = list(self.open.values())
            sockets = [(one.id, one.idle_ms(), int(one.is_known)) for one in told]
            forgotten, closed, forced = await memory.asked(_beat, self.room, self.owner, sockets)
            for one in forced:
                self._close(one.decode(), by_hand=True)
            for one in closed:
                self._close(one.decode())
            for session in told:
                session.is_known = True
                session.is_described = session.is_described and not forgotten
        await self._describe()

    def _close(self, socket: str, *, by_hand: bool = False) -> None:
        """Pause it. Where it shall make room and somebody has begun to use it in this very moment, it stays, as one too
        many; an administrator's word counts all the same, and the answer goes on without it."""
        session = self.open.get(socket)
        if session is None:
            return
        if session.is_busy() and not by_hand:
            self._spawn(self._stay(socket))
            return
        del self.open[socket]
        if by_hand:
            self._spawn(self._forget(socket))
        session.pause(by_hand)

    async def _describe(self) -> None:
        """Tell Redis whose the sockets are that it does not know about yet."""
        new = [session for session in self.open.values() if not session.is_described]
        if not new:
            return
        for session in new:
            session.is_described = True
        try:
            await memory.asked(_tell, self._key, [(one.id, json.dumps(asdict(one.about))) for one in new])
        except MemoryAway:
            for session in new:
                session.is_described = False

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self.beat()

    async def _ask_to_pause(self, owner: str, socket: str) -> None:
        if owner == self.owner:
            self._close(socket)
        else:
            await news.publish({"kind": NEWS, "owner": owner, "socket": socket})

    async def _forget(self, socket: str) -> None:
        with suppress(MemoryAway):
            await memory.asked(memory.ask, lambda redis: redis.eval(FORGET, 1, self._key, socket))

    async def _stay(self, socket: str) -> None:
        with suppress(MemoryAway):
            await memory.asked(memory.ask, lambda redis: redis.zadd(self._key, {socket: 2e13}))

    @property
    def _key(self) -> str:
        return f"{self.room.name}:{self.owner}"

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _open(room: Room, owner: str, socket: str) -> list[Any]:
    arguments = (owner, socket, room.places(), LEASE_MS)
    return memory.ask(lambda redis: redis.eval(OPEN, 1, room.name, *arguments))


def _tell(key: str, abouts: list[tuple[str, str]]) -> None:
    while abouts:
        words = [part for about in abouts[:AT_ONCE] for part in about]
        _describe(key, words)
        abouts = abouts[AT_ONCE:]


def _describe(key: str, words: list[str]) -> None:
    memory.ask(lambda redis: redis.eval(DESCRIBE, 1, key, LEASE_MS, *words))


def _beat(room: Room, owner: str, sockets: list[tuple[str, int, int]]) -> tuple[int, list[bytes], list[bytes]]:
    arguments = [part for socket in sockets for part in socket]
    forgotten, closed, forced = memory.ask(lambda redis: redis.eval(BEAT, 1, room.name, owner, LEASE_MS, *arguments))
    return forgotten, closed, forced


OTHERS = Room(BESIDE)  # whatever needs no place
_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Room, Sessions]] = WeakKeyDictionary()


def sessions(room: Room = OTHERS) -> Sessions:
    """Those of a room in the running event loop."""
    rooms = _by_loop.setdefault(asyncio.get_running_loop(), {})
    return rooms.setdefault(room, Sessions(room))


def hear(item: dict[str, Any]) -> None:
    """News from another process: one of our sockets, in whichever room, was closed there."""
    for found in _by_loop.get(asyncio.get_running_loop(), {}).values():
        found.hear(item)
