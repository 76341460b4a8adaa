"""The Celery worker with its beat: one process, a few threads. `python -m nitro.worker`"""

from __future__ import annotations

import logging
import os
import threading
import warnings

from celery import Celery
from celery.beat import Service
from celery.exceptions import SecurityWarning

logger = logging.getLogger(__name__)
THREADS = 2
WAKE_SECONDS = 5
RETRY_SECONDS = 5.0


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


def main() -> None:
    """Work until SIGTERM."""
    os.environ.setdefault("NITRO_ROLE", "worker")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
    import django

    django.setup()
    from nitro.celery import app

    # In a container everything runs as root; nothing but JSON is ever taken from the queue.
    warnings.filterwarnings("ignore", category=SecurityWarning)

    beat = Beat(app)
    beat.start()
    worker = app.Worker(
        pool="threads",
        concurrency=THREADS,
        loglevel="WARNING",
        hostname="nitro@%h",
        without_gossip=True,
        without_mingle=True,
        quiet=True,
    )
    worker.start()
    beat.ending.set()
    raise SystemExit(worker.exitcode)


if __name__ == "__main__":
    main()
