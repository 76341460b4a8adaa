"""The remembered answers as a whole: how many there are and whose, and how they are forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from redis import Redis

from apps.chat.replies import REPLY, SHARED
from apps.core import memory

STEP = 1000  # keys that one round trip looks at
PATIENCE = 3.0  # seconds that a look may take; what it has not seen by then is not told


@dataclass(slots=True)
class Shelf:
    """How much one person's remembered answers take, in bytes of their values."""

    answers: int = 0
    size: int = 0


@dataclass(slots=True)
class Remembered:
    """What there is, by the number of its person; 0 stands for everybody where answers are shared."""

    by_user: dict[int, Shelf] = field(default_factory=dict)
    is_whole: bool = True

    @property
    def answers(self) -> int:
        return sum(shelf.answers for shelf in self.by_user.values())

    @property
    def size(self) -> int:
        return sum(shelf.size for shelf in self.by_user.values())


def look() -> Remembered:
    """Count what there is, some keys at a time. Raises `MemoryAway`."""
    found, until = Remembered(), time.monotonic() + PATIENCE
    for keys in _steps(f"{REPLY}*"):
        for key, size in zip(keys, memory.ask(_sizes(keys)), strict=True):
            shelf = found.by_user.setdefault(_whose(key), Shelf())
            shelf.answers, shelf.size = shelf.answers + 1, shelf.size + size
        if time.monotonic() > until:
            found.is_whole = False
            break
    return found


def clear() -> int:
    """Forget all answers; returns how many. Raises `MemoryAway`."""
    return sum(memory.ask(_unlink(keys)) for keys in _steps(f"{REPLY}*"))


def clear_of(user_id: int) -> int:
    """Forget one person's answers, also those that everybody shares; returns how many. Raises `MemoryAway`."""
    own = sum(memory.ask(_unlink(keys)) for keys in _steps(f"{REPLY}{user_id}:*"))
    return own + sum(_clear_shared(keys, user_id) for keys in _steps(f"{REPLY}{SHARED}:*"))


def _clear_shared(keys: list[bytes], user_id: int) -> int:
    values: Any = memory.ask(lambda redis: redis.mget(keys))
    theirs = [key for key, value in zip(keys, values, strict=True) if value and _author(value) == user_id]
    return memory.ask(_unlink(theirs)) if theirs else 0


def _author(value: bytes) -> int | None:
    try:
        found = orjson.loads(value).get("user_id")
    except (orjson.JSONDecodeError, AttributeError):
        return None
    return found if isinstance(found, int) else None


def _whose(key: bytes) -> int:
    number = key.decode().removeprefix(REPLY).partition(":")[0]
    return int(number) if number.isdecimal() else SHARED


def _steps(pattern: str) -> Iterator[list[bytes]]:
    """The keys of a pattern, a round trip at a time: no command looks at more than a thousand."""
    cursor = 0
    while True:
        cursor, keys = memory.ask(_scan(cursor, pattern))
        if keys:
            yield keys
        if cursor == 0:
            return


def _scan(cursor: int, pattern: str) -> Callable[[Redis], tuple[int, list[bytes]]]:
    return lambda redis: redis.scan(cursor, match=pattern, count=STEP)  # type: ignore[return-value]  # bytes they are


def _sizes(keys: list[bytes]) -> Callable[[Redis], list[int]]:
    def ask(redis: Redis) -> list[int]:
        pipe = redis.pipeline(transaction=False)
        for key in keys:
            pipe.strlen(key)
        return [int(size) for size in pipe.execute()]

    return ask


def _unlink(keys: list[bytes]) -> Callable[[Redis], int]:
    return lambda redis: int(redis.unlink(*keys))
