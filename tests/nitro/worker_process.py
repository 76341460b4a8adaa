"""A worker with tasks that wait for the tests. `python -m tests.nitro.worker_process`"""

from __future__ import annotations

import time

from celery import shared_task
from django.conf import settings
from redis import Redis

from apps.core import draining

LONGEST = 60


def told(name: str, word: str) -> None:
    """Tell the test."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.rpush(f"tests:{name}", word)


@shared_task(name="tests.answer")
def answer() -> None:
    told("answers", "here")


@shared_task(name="tests.occupy")
def occupy() -> None:
    """Hold a thread until the worker is to leave."""
    told("occupied", "here")
    until = time.monotonic() + LONGEST
    while not draining.is_draining() and time.monotonic() < until:
        time.sleep(0.05)
    told("left", "draining" if draining.is_draining() else "too late")


def main() -> None:
    from nitro import worker

    worker.main(["--no-beat"])  # the clock is another test's business


if __name__ == "__main__":
    main()
