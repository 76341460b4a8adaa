"""The Celery worker with its beat: one process, and threads of its own for each queue. `python -m nitro.worker`

Every queue has a consumer of its own, so that pictures which take an hour never keep other work waiting. The first one
belongs to the main thread, which hears SIGTERM; Celery then tells the others through a flag that they all look at.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from typing import Any

from celery import Celery, signals
from celery.beat import Service
from celery.exceptions import SecurityWarning

logger = logging.getLogger(__name__)
MAIN_QUEUE = "celery"
THREADS = {MAIN_QUEUE: 2, "images": 4, "voice": 2}
WAKE_SECONDS = 5
RETRY_SECONDS = 5.0
LEAVING_SECONDS = 8.0


class Beat(threading.Thread):
    """Sends periodic tasks when they are due. A database that is away for a while does not end it."""

    def __init__(self, app: Celery) -> None:
        super().__init__(name="beat", daemon=True)
        self.app = app
        self.ending = threading.Event()

    def run(self) -> None:
        """Beat until the process ends."""
        self.app.set_current()
        while not self.ending.is_set():
            try:
                Service(self.app, max_interval=WAKE_SECONDS, scheduler_cls=self.app.conf.beat_scheduler).start()
            except Exception:
                logger.exception("The beat stumbled and goes on in %g s.", RETRY_SECONDS)
            self.ending.wait(RETRY_SECONDS)


class Line(threading.Thread):
    """The consumer of one queue beside the main one, with threads of its own."""

    def __init__(self, app: Celery, queue: str) -> None:
        super().__init__(name=f"queue-{queue}", daemon=True)
        self.app = app
        self.queue = queue
        self.ending = threading.Event()

    def run(self) -> None:
        """Consume until the process ends."""
        self.app.set_current()
        while not self.ending.is_set():
            self.app.WorkController(**options(self.queue), use_eventloop=False).start()
            self.ending.wait(RETRY_SECONDS)


def options(queue: str) -> dict[str, Any]:
    """What the consumer of a queue is started with."""
    return {
        "queues": [queue],
        "pool": "threads",
        "concurrency": THREADS[queue],
        "loglevel": "WARNING",
        "hostname": f"nitro-{queue}@%h",
        "without_gossip": True,
        "without_mingle": True,
        "without_heartbeat": True,
    }


def begin_to_leave(*args: Any, **kwargs: Any) -> None:
    """Long work reads this flag and gives its job back, for the next worker to take up."""
    from apps.core import draining

    draining.begin()


def main() -> None:
    """Work until SIGTERM."""
    os.environ.setdefault("NITRO_ROLE", "worker")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
    import django

    django.setup()
    from apps.core.publishing import Publisher
    from nitro.celery import app, make

    # In a container everything runs as root; nothing but JSON is ever taken from the queue.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    signals.worker_shutting_down.connect(begin_to_leave)

    beat = Beat(app)
    lines = [Line(make(), queue) for queue in THREADS if queue != MAIN_QUEUE]
    threads: list[Beat | Line] = [beat, *lines]
    for thread in threads:
        thread.start()
    publisher = Publisher()
    publisher.start()
    worker = app.Worker(**options(MAIN_QUEUE), quiet=True)
    worker.start()
    for thread in threads:
        thread.ending.set()
    for line in lines:
        line.join(LEAVING_SECONDS)
    publisher.stop()
    raise SystemExit(worker.exitcode)


if __name__ == "__main__":
    main()
