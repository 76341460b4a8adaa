"""Who has a chat open right now, in all processes together, and the closing of one of them from anywhere."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis import Redis

from apps.chat.sessions import BUSY_SCORE, KEY, NEWS
from apps.core import memory, news

MOST = 500
CLOSING_SECONDS = 60
# An administrator's word: whoever holds the socket hears it at its next beat, should the news get lost. Returns whether
# there is such a socket.
CLOSE = """
local key = KEYS[1] .. ':' .. ARGV[1]
if not redis.call('ZSCORE', key, ARGV[2]) then return 0 end
redis.call('SADD', key .. ':closing', ARGV[2])
redis.call('EXPIRE', key .. ':closing', ARGV[3])
return 1
"""


@dataclass(frozen=True, slots=True)
class Live:
    """One open chat: `holder` and `socket` name it, `idle` is in seconds, None while an answer is followed in it."""

    holder: str
    socket: str
    user_id: int
    conversation: str
    address: str
    process: str
    since: datetime | None
    idle: float | None


@dataclass(frozen=True, slots=True)
class Presence:
    """How many there are, and the newest of them."""

    count: int
    shown: list[Live]


def live(most: int = MOST) -> Presence:
    """Look now, in two round trips. Raises `MemoryAway`."""
    now = time.time()
    names: Any = memory.ask(lambda redis: redis.zrangebyscore(KEY, now * 1000, "+inf"))
    holders = [name.decode() for name in names]
    found = memory.ask(lambda redis: _read(redis, holders))
    places = [place for holder, (idle, about) in zip(holders, found, strict=True) for place in _of(holder, idle, about)]
    newest = sorted(places, key=lambda place: place.since or datetime.min.replace(tzinfo=UTC), reverse=True)
    return Presence(len(places), newest[:most])


def count() -> int:
    """How many there are. Raises `MemoryAway`."""
    return live(0).count


def close(*, holder: str, socket: str) -> bool:
    """Close one, whichever process holds it; False where it is gone already. Its page offers to go on.

    An answer that is being written there goes on without it. Raises `MemoryAway`.
    """
    found = memory.ask(lambda redis: redis.eval(CLOSE, 1, KEY, holder, socket, CLOSING_SECONDS))
    if found:
        news.tell({"kind": NEWS, "owner": holder, "socket": socket, "by_hand": True})
    return bool(found)


def _read(redis: Redis, holders: list[str]) -> list[tuple[list[tuple[bytes, float]], Mapping[bytes, bytes]]]:
    pipe = redis.pipeline(transaction=False)
    for holder in holders:
        pipe.zrange(f"{KEY}:{holder}", 0, -1, withscores=True)
        pipe.hgetall(f"{KEY}:{holder}:about")
    answers = pipe.execute()
    return list(zip(answers[::2], answers[1::2], strict=True))


def _of(holder: str, scores: list[tuple[bytes, float]], abouts: Mapping[bytes, bytes]) -> list[Live]:
    now = time.time() * 1000
    return [
        _place(holder, name.decode(), json.loads(abouts.get(name, b"{}")), None if score > BUSY_SCORE else now - score)
        for name, score in scores
    ]


def _place(holder: str, socket: str, about: dict[str, Any], idle_ms: float | None) -> Live:
    since = about.get("since")
    return Live(
        holder=holder,
        socket=socket,
        user_id=int(about.get("user", 0)),
        conversation=str(about.get("conversation", "")),
        address=str(about.get("address", "")),
        process=f"{about.get('host', '')} {about.get('process', '')}".strip(),
        since=datetime.fromtimestamp(float(since), UTC) if since else None,
        idle=None if idle_ms is None else max(0.0, idle_ms / 1000),
    )
