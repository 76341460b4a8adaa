"""Who is here right now, by the sockets of all processes together, and the closing of one of them from anywhere."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis import Redis

from apps.accounts.open_sockets import NEWS
from apps.accounts.open_sockets_script import BUSY_SCORE, CLOSE, COUNTED, ROOMS
from apps.core import memory, news

MOST = 500
CLOSING_SECONDS = 60
Process = tuple[str, str]  # a room, and the name of a process in it
Scores = list[tuple[bytes, float]]  # sockets with the time (ms) since when they are idle
Abouts = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Live:
    """One open socket: `holder` and `socket` name it, `idle` is in seconds, None while something goes on in it."""

    holder: str
    socket: str
    kind: str
    user_id: int
    conversation: str
    address: str
    process: str
    since: datetime | None
    idle: float | None


@dataclass(frozen=True, slots=True)
class Presence:
    """How many sockets there are, how many of them are chats and need a place, and the newest of all."""

    count: int
    chats: int
    shown: list[Live]


def live(most: int = MOST) -> Presence:
    """Look now, in two round trips. Raises `MemoryAway`."""
    processes = memory.ask(_processes)
    found = memory.ask(lambda redis: _read(redis, processes))
    places = [place for process, read in zip(processes, found, strict=True) for place in _places(process, *read)]
    newest = sorted(places, key=lambda place: place.since or datetime.min.replace(tzinfo=UTC), reverse=True)
    chats = sum(len(scores) for (room, _), (scores, _) in zip(processes, found, strict=True) if room == COUNTED)
    return Presence(len(places), chats, newest[:most])


def close(*, holder: str, socket: str) -> bool:
    """Close one, whichever process holds it; False where it is gone already. Its page offers to go on.

    An answer that is being written there goes on without it. Raises `MemoryAway`.
    """
    found = memory.ask(lambda redis: redis.eval(CLOSE, len(ROOMS), *ROOMS, holder, socket, CLOSING_SECONDS))
    if found:
        news.tell({"kind": NEWS, "owner": holder, "socket": socket, "by_hand": True})
    return bool(found)


def _processes(redis: Redis) -> list[Process]:
    """Whose lease is not over."""
    pipe = redis.pipeline(transaction=False)
    for room in ROOMS:
        pipe.zrangebyscore(room, time.time() * 1000, "+inf")
    return [(room, name.decode()) for room, names in zip(ROOMS, pipe.execute(), strict=True) for name in names]


def _read(redis: Redis, processes: list[Process]) -> list[tuple[Scores, Abouts]]:
    pipe = redis.pipeline(transaction=False)
    for room, holder in processes:
        pipe.zrange(f"{room}:{holder}", 0, -1, withscores=True)
        pipe.hgetall(f"{room}:{holder}:about")
    answers = pipe.execute()
    return list(zip(answers[::2], answers[1::2], strict=True))


def _places(process: Process, scores: Scores, abouts: Abouts) -> Iterator[Live]:
    room, holder = process
    now, unknown = time.time() * 1000, {"kind": "chat" if room == COUNTED else ""}
    for name, score in scores:
        about = unknown | json.loads(abouts.get(name, b"{}"))
        yield _place(holder, name.decode(), about, None if score > BUSY_SCORE else now - score)


def _place(holder: str, socket: str, about: dict[str, Any], idle_ms: float | None) -> Live:
    since = about.get("since")
    return Live(
        holder=holder,
        socket=socket,
        kind=str(about["kind"]),
        user_id=int(about.get("user", 0)),
        conversation=str(about.get("conversation", "")),
        address=str(about.get("address", "")),
        process=f"{about.get('host', '')} {about.get('process', '')}".strip(),
        since=datetime.fromtimestamp(float(since), UTC) if since else None,
        idle=None if idle_ms is None else max(0.0, idle_ms / 1000),
    )
