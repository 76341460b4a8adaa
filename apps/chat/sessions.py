"""Live chat sessions: at most MAX_SESSIONS open sockets over all processes. One more closes the longest idle one.

Redis knows every open socket by the process that holds it, ordered by how long it has been idle; a process that is
killed takes its sockets with it when its lease is over. Without Redis nobody is kept out.
"""

from __future__ import annotations

import asyncio
import json
import logging
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

from apps.core import memory, news
from apps.core.errors import Busy
from apps.core.memory import MemoryAway

logger = logging.getLogger(__name__)

KEY = "nitro:sockets"
BEAT_SECONDS = 3.0
LEASE_MS = 15_000
AT_ONCE = 1000  # sockets in one command
RETRY_SECONDS = 5.0
NEWS = "pause"
BUSY_SCORE = 5e12  # scores from here on belong to sockets in which an answer is followed

# Scores are the time (ms) since when a socket is idle, and far in the future while an answer is followed in it.
# Returns {1} for room, {2, process, socket} for room that this one made, {0} where every socket is busy.
OPEN = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[1])
local total, idle, place, whose = 0, math.huge, nil, nil
for _, owner in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    local key = KEYS[1] .. ':' .. owner
    if tonumber(redis.call('ZSCORE', KEYS[1], owner)) < now then
        redis.call('ZREM', KEYS[1], owner)
        redis.call('DEL', key)
    else
        total = total + redis.call('ZCARD', key)
        local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
        if first[1] and tonumber(first[2]) < idle then
            idle, place, whose = tonumber(first[2]), first[1], owner
        end
    end
end
local answer = {1}
if total >= tonumber(ARGV[3]) then
    if not place or idle > now + 1e12 then return {0} end
    redis.call('ZREM', KEYS[1] .. ':' .. whose, place)
    answer = {2, whose, place}
end
redis.call('ZADD', KEYS[1] .. ':' .. ARGV[1], now, ARGV[2])
return answer
"""
# Renews a process's lease and how long its sockets are idle (-1: busy); returns whether Redis had forgotten the
# process, which sockets somebody else has closed for a newcomer, and which an administrator has closed.
# Where Redis has forgotten the process, all of its sockets are put down anew, and always those that it never heard of.
BEAT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local key = KEYS[1] .. ':' .. ARGV[1]
local forgotten = not redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', key .. ':about', ARGV[2])
local closed, forced = {}, redis.call('SMEMBERS', key .. ':closing')
redis.call('DEL', key .. ':closing')
for place = 3, #ARGV, 3 do
    local idle = tonumber(ARGV[place + 1])
    local score = idle < 0 and now + 1e13 or now - idle
    if forgotten or ARGV[place + 2] == '0' or redis.call('ZSCORE', key, ARGV[place]) then
        redis.call('ZADD', key, score, ARGV[place])
    else
        closed[#closed + 1] = ARGV[place]
    end
end
return {forgotten and 1 or 0, closed, forced}
"""
DESCRIBE = """
redis.call('HSET', KEYS[1] .. ':about', unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1] .. ':about', ARGV[1])
"""
FORGET = """
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[1] .. ':about', ARGV[1])
"""


class SessionsFull(Busy):
    """As many chats are open as may be, and an answer is being written in each."""

    code = "sessions_full"
    hint = "The page tries again by itself."


@dataclass(frozen=True, slots=True)
class About:
    """Whose socket it is, since when (Unix time), on which machine and process, and of which chat."""

    user: int = 0
    conversation: str = ""
    address: str = ""
    since: float = field(default_factory=time.time)
    host: str = field(default_factory=lambda: gethostname()[:60])
    process: str = field(default_factory=lambda: str(settings.NITRO_SLOT))


@dataclass(eq=False, slots=True)
class Session:
    """One open socket. `is_busy` says whether an answer is followed in it, `pause` closes it: for a newcomer, or, where
    its argument is true, because an administrator wants it."""

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
    """The open sockets of one event loop."""

    def __init__(self) -> None:
        self.owner = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self.open: dict[str, Session] = {}
        self._beating: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def enter(self, session: Session) -> None:
        """Count a socket in, in one round trip; raises `SessionsFull` where nobody can make room."""
        try:
            found = await memory.asked(_open, self.owner, session.id)
            session.is_known = True
        except MemoryAway:
            found = [1]
        if found[0] == 0:
            raise SessionsFull("Too many chats are being answered right now.", retry_after=RETRY_SECONDS)
        self.open[session.id] = session
        self._spawn(self._describe())
        if self._beating is None or self._beating.done():
            self._beating = asyncio.ensure_future(self._beat_for_ever())
        if found[0] == 2:
            self._spawn(self._ask_to_pause(found[1].decode(), found[2].decode()))

    def leave(self, session: Session) -> None:
        """Count a socket out; harmless where it was not in."""
        if self.open.pop(session.id, None) is None:
            return
        self._spawn(self._forget(session.id))
        if not self.open and self._beating is not None:
            self._beating.cancel()

    def hear(self, item: dict[str, Any]) -> None:
        """News from another process: one of our sockets was closed there for somebody else."""
        if item.get("owner") == self.owner:
            self._close(str(item.get("socket")), by_hand=bool(item.get("by_hand")))

    async def beat(self) -> None:
        """Tell Redis how idle our sockets are, and close those that had to make room."""
        with suppress(MemoryAway):
            told = list(self.open.values())
            sockets = [(one.id, one.idle_ms(), int(one.is_known)) for one in told]
            forgotten, closed, forced = await memory.asked(_beat, self.owner, sockets)
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
            await memory.asked(_tell, self.owner, [(one.id, json.dumps(asdict(one.about))) for one in new])
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
            await memory.asked(memory.ask, lambda redis: redis.eval(FORGET, 1, f"{KEY}:{self.owner}", socket))

    async def _stay(self, socket: str) -> None:
        with suppress(MemoryAway):
            await memory.asked(memory.ask, lambda redis: redis.zadd(f"{KEY}:{self.owner}", {socket: 2e13}))

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _open(owner: str, socket: str) -> list[Any]:
    arguments = (owner, socket, settings.MAX_SESSIONS, LEASE_MS)
    return memory.ask(lambda redis: redis.eval(OPEN, 1, KEY, *arguments))


def _tell(owner: str, abouts: list[tuple[str, str]]) -> None:
    while abouts:
        words = [part for about in abouts[:AT_ONCE] for part in about]
        _describe(owner, words)
        abouts = abouts[AT_ONCE:]


def _describe(owner: str, words: list[str]) -> None:
    memory.ask(lambda redis: redis.eval(DESCRIBE, 1, f"{KEY}:{owner}", LEASE_MS, *words))


def _beat(owner: str, sockets: list[tuple[str, int, int]]) -> tuple[int, list[bytes], list[bytes]]:
    arguments = [part for socket in sockets for part in socket]
    forgotten, closed, forced = memory.ask(lambda redis: redis.eval(BEAT, 1, KEY, owner, LEASE_MS, *arguments))
    return forgotten, closed, forced


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Sessions] = WeakKeyDictionary()


def sessions() -> Sessions:
    """Those of the running event loop."""
    return _by_loop.setdefault(asyncio.get_running_loop(), Sessions())
