"""Ends a worker that is alive and deaf, so that whoever keeps it starts it again.

After an outage of Redis a consumer can be connected and take nothing. It is deaf when messages lie in its queue at look
after look and this process neither works at any nor has begun one. A worker that has its hands full is not.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from celery import signals
from django.conf import settings
from redis import Redis, RedisError

logger = logging.getLogger(__name__)
LOOK_SECONDS = 30.0
DEAF_LOOKS = 4
PATIENCE_SECONDS = 15.0  # from the orderly end to the other one
WAITS = {"socket_timeout": 1.0, "socket_connect_timeout": 0.5}


class Ear:
    """How many tasks of a queue this process is at, and how many it has ever begun."""

    def __init__(self, queue: str) -> None:
        self.queue = queue
        self.begun = self.running = 0
        self._lock = threading.Lock()
        signals.task_prerun.connect(self._begin, weak=False)
        signals.task_postrun.connect(self._end, weak=False)

    def _begin(self, task: Any = None, **_: object) -> None:
        if self._is_mine(task):
            with self._lock:
                self.begun += 1
                self.running += 1

    def _end(self, task: Any = None, **_: object) -> None:
        if self._is_mine(task):
            with self._lock:
                self.running -= 1

    def _is_mine(self, task: Any) -> bool:
        delivery = getattr(getattr(task, "request", None), "delivery_info", None) or {}
        return bool(delivery.get("routing_key") == self.queue)


class Watchdog(threading.Thread):
    """Looks twice a minute. `bite` ends the process."""

    def __init__(self, ear: Ear, bite: Callable[[], None] | None = None) -> None:
        super().__init__(name="watchdog", daemon=True)
        self.ear = ear
        self.bite = bite or end
        self.ending = threading.Event()
        self.idle_looks = 0
        self._begun = -1

    def run(self) -> None:
        """Look until the process ends."""
        while not self.ending.wait(LOOK_SECONDS):
            if self.look():
                logger.error("This worker takes nothing from %s, where work lies; it ends itself.", self.ear.queue)
                self.bite()
                return

    def look(self) -> bool:
        """Whether it is deaf by now. While Redis is away nobody hears anything, and nobody is to blame."""
        idle = not self.ear.running and self.ear.begun == self._begun and self._lies_there()
        self.idle_looks = self.idle_looks + 1 if idle else 0
        self._begun = self.ear.begun
        return self.idle_looks >= DEAF_LOOKS

    def _lies_there(self) -> bool:
        try:
            with Redis.from_url(settings.REDIS_URL, **WAITS) as client:
                return bool(client.llen(self.ear.queue))
        except RedisError:
            return False

    def stop(self) -> None:
        """Look no more."""
        self.ending.set()


def end() -> None:
    """In order first; what does not end so ends otherwise."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_SECONDS)
    os._exit(1)
