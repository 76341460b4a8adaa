"""Redis as the memory that all processes share: quick, never waited for long, and never needed.

One failure makes the whole process go on without it; a thread tries again in the background, so that nobody who asks
for something pays for an outage but those who were waiting when it began.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

from django_redis import get_redis_connection
from redis import Redis, RedisError

from apps.core.errors import Busy

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

THREADS = 8
PAUSES = (0.3, 1.0, 3.0)  # seconds before the first tries to reach it again …
LATER_PAUSE = 5.0  # … and between all later ones
PROBE, PROBE_SECONDS = "nitro:probe", 5


class MemoryAway(Busy):
    """Redis does not answer, or did not a moment ago; whoever asks goes on without it."""

    code = "memory_away"


class Outage:
    """Whether Redis is away. It begins with one failure and ends when a try in the background succeeds."""

    def __init__(self, probe: Callable[[], object]) -> None:
        self._probe = probe
        self._back = threading.Event()
        self._back.set()
        self._lock = threading.Lock()

    @property
    def is_on(self) -> bool:
        return not self._back.is_set()

    def begin(self, error: Exception) -> None:
        """Say it once, and look for the end of it; harmless while it lasts."""
        with self._lock:
            if self.is_on:
                return
            self._back.clear()
        logger.warning("Redis is away (%s); Nitro goes on without its caches and counters.", type(error).__name__)
        threading.Thread(target=self._wait_for_the_end, name="redis-outage", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; whether it has come."""
        return self._back.wait(seconds)

    def _wait_for_the_end(self) -> None:
        pauses = iter(PAUSES)
        while not self._is_over(next(pauses, LATER_PAUSE)):
            pass
        logger.info("Redis is back.")
        self._back.set()

    def _is_over(self, pause: float) -> bool:
        threading.Event().wait(pause)
        try:
            self._probe()
        except (RedisError, OSError):
            return False
        return True


@cache
def connection() -> Redis:
    """The pooled connections of this process; their time limits are those of the cache in the settings.

    Asked for once: Django would build its cache anew in each context, and so for each call from the event loop.
    """
    return get_redis_connection("default")  # type: ignore[no-any-return]


def take_something() -> None:
    """Whether Redis is back: one that is full answers, and yet takes neither words nor counts."""
    connection().set(PROBE, b"", ex=PROBE_SECONDS)


outage = Outage(take_something)


def ask(work: Callable[[Redis], T]) -> T:
    """What `work` gets from Redis. Blocks for a quarter of a second at most; raises `MemoryAway`.

    Runs in the caller's thread, where nothing can cancel it half-way: a reply that is left in a connection would be
    read by the next caller.
    """
    if outage.is_on:
        raise MemoryAway("Redis is away.")
    try:
        return work(connection())
    except (RedisError, OSError) as error:
        outage.begin(error)
        raise MemoryAway("Redis is away.") from error


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="memory")


async def asked(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that asks Redis without blocking the event loop; raises `MemoryAway` at once during an outage.

    When the caller is cancelled, the function runs to its end all the same.
    """
    if outage.is_on:
        raise MemoryAway("Redis is away.")
    return await asyncio.get_running_loop().run_in_executor(_threads(), partial(function, *args, **kwargs))
