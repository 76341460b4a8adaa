"""The Celery worker with its beat: one process, and threads of its own for each queue. `python -m nitro.worker`

Every queue has a consumer of its own, so that pictures which take an hour never keep other work waiting. The first one
belongs to the main thread, which hears SIGTERM; Celery then tells the others through a flag that they all look at.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import warnings
from typing import Any

from celery import Celery, signals
from celery.exceptions import SecurityWarning

MAIN_QUEUE = "celery"
THREADS = {MAIN_QUEUE: 2, "images": 4, "voice": 2}
RETRY_SECONDS = 5.0
LEAVING_SECONDS = 8.0


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


def parse(words: list[str]) -> argparse.Namespace:
    """The command line of `nitro worker`."""
    parser = argparse.ArgumentParser(prog="nitro worker", description="Work off queues until SIGTERM.")
    parser.add_argument("--queues", default=",".join(THREADS), help="which, by comma (default: %(default)s)")
    parser.add_argument("--no-beat", action="store_true", help="leave what is due by the clock to others")
    given = parser.parse_args(words)
    given.queues = [name.strip() for name in given.queues.split(",") if name.strip()]
    if not given.queues or set(given.queues) - set(THREADS):
        parser.error(f"--queues takes some of: {', '.join(THREADS)}")
    return given


def main(words: list[str] | None = None) -> None:
    """Work until SIGTERM."""
    given = parse(sys.argv[1:] if words is None else words)
    os.environ.setdefault("NITRO_ROLE", "worker")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
    import django

    django.setup()
    from apps.core import reporting, spans
    from apps.core.publishing import Publisher
    from apps.monitor.watchman import Watchman
    from nitro import __version__
    from nitro.beat import Beat
    from nitro.celery import app, complete, make
    from nitro.heap import Tidier
    from nitro.watchdog import Ear, Watchdog

    # In a container everything runs as root; nothing but JSON is ever taken from the queue.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    signals.worker_shutting_down.connect(begin_to_leave)

    main_queue, *others = given.queues
    complete(app)
    lines = [Line(complete(make()), queue) for queue in others]
    beat = None if given.no_beat else Beat(app)
    for thread in (beat, *lines):
        if thread is not None:
            thread.start()
    reporting.start(__version__)
    spans.start(__version__)
    dogs = [Watchdog(Ear(queue)) for queue in given.queues if queue == MAIN_QUEUE]
    watches: list[Publisher | Watchman | Watchdog | Tidier] = [Publisher(), Watchman(), Tidier(), *dogs]
    for watch in watches:
        watch.start()
    worker = app.Worker(**options(main_queue), quiet=True)
    worker.start()
    if beat is not None:
        beat.stop()
    for line in lines:
        line.ending.set()
    for line in lines:
        line.join(LEAVING_SECONDS)
    for watch in watches:
        watch.stop()
    spans.stop()
    raise SystemExit(worker.exitcode)


if __name__ == "__main__":
    main()
