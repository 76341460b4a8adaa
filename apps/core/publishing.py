"""Hands over what a process has counted: to Redis, where the counts of all processes are added up."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time

import psutil
from django.conf import settings
from redis import Redis, RedisError

from apps.core import metrics

logger = logging.getLogger(__name__)
TOTALS, LIVE = "nitro:metrics:totals", "nitro:metrics:live"
SECONDS = 2.0
FRESH_SECONDS = 10.0  # a process that was silent for longer is gone
WAITS = {"socket_timeout": 1.0, "socket_connect_timeout": 0.5}


class Publisher(threading.Thread):
    """One per process. While Redis is away the counts wait; not one is lost unless the process dies meanwhile."""

    def __init__(self, role: str = "") -> None:
        super().__init__(name="metrics", daemon=True)
        self.role = role or settings.NITRO_ROLE
        self.place = f"{socket.gethostname()[:60]}/{settings.NITRO_SLOT}/{os.getpid()}"
        self.process = psutil.Process()
        self.ending = threading.Event()
        self.redis = Redis.from_url(settings.REDIS_URL, **WAITS)

    def run(self) -> None:
        """Hand over every other second until the process ends."""
        while not self.ending.wait(SECONDS):
            self.publish()

    def publish(self) -> bool:
        """Hand over now; False where Redis is away."""
        counts = metrics.take()
        try:
            pipe = self.redis.pipeline(transaction=True)
            for field, amount in counts.items():
                pipe.hincrbyfloat(TOTALS, field, amount)
            pipe.hset(LIVE, self.place, json.dumps(self.present()))
            pipe.execute()
        except RedisError as error:
            metrics.put_back(counts)
            logger.info("Metrics wait: %s", type(error).__name__)
            return False
        return True

    def present(self) -> dict[str, object]:
        """This process right now, and the machine it runs on."""
        memory = psutil.virtual_memory()
        with self.process.oneshot():
            return {
                "at": time.time(),
                "role": self.role,
                "slot": settings.NITRO_SLOT,
                "host": socket.gethostname()[:60],
                "pid": self.process.pid,
                "started": self.process.create_time(),
                "memory_bytes": self.process.memory_info().rss,
                "process_cpu_percent": self.process.cpu_percent(),
                "cpu_percent": psutil.cpu_percent(),
                "memory_percent": memory.percent,
                "disk_percent": psutil.disk_usage(str(settings.NITRO_HOME)).percent,
                "gauges": metrics.readings(),
            }

    def stop(self) -> None:
        """Hand over the last counts, and say that this process is gone."""
        self.ending.set()
        self.publish()
        try:
            self.redis.hdel(LIVE, self.place)
        except RedisError:
            return
        finally:
            self.redis.close()
