"""The worker for real: work that takes long holds up nobody else, and lets go when the worker is to leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from redis import Redis as Client

from nitro import embedded, worker
from nitro.beat import Beat
from nitro.embedded.redis import Redis
from nitro.framework import NIGHTLY
from nitro.process import end, spawn, wait_until
from nitro.worker import THREADS, Line

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


class House:
    """A Redis of its own and a worker on it."""

    def __init__(self, home: Path) -> None:
        self.redis = Redis(home)
        self.redis.prepare()
        self.stored = spawn(self.redis.program())
        assert wait_until(self.redis.ready, PATIENCE)
        self.url = embedded.redis_url(home)
        self.client = Client.from_url(self.url)
        self.sender = Celery("tests", broker=embedded.celery_url(self.url), set_as_current=False)
        environment = {**os.environ, "NITRO_HOME": str(home), "REDIS_URL": self.url, "NITRO_ROLE": "worker"}
        argv = [sys.executable, "-m", "tests.nitro.worker_process"]
        self.worker = subprocess.Popen(argv, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)

    def send(self, task: str, queue: str) -> None:
        self.sender.send_task(task, queue=queue)

    def counted(self, name: str) -> int:
        return self.client.llen(f"tests:{name}")

    def close(self) -> None:
        if self.worker.poll() is None:
            self.worker.kill()
            self.worker.wait()
        self.client.close()
        end(self.stored, signal.SIGTERM, 10)


@pytest.fixture
def house() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="nitro-worker-") as folder:
        house = House(Path(folder))
        try:
            yield house
        finally:
            house.close()


class Begun(Exception):
    """All threads would have begun."""


def test_no_thread_begins_before_all_tasks_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []

    def start(thread: Any) -> None:
        found.append(thread.app)
        if len(found) == len(THREADS):
            raise Begun

    monkeypatch.setattr(Line, "start", start)
    monkeypatch.setattr(Beat, "start", start)
    monkeypatch.setenv("NITRO_ROLE", "command")
    with pytest.raises(Begun):
        worker.main([])
    for app in found:
        assert app.finalized
        assert {task for task, *_ in NIGHTLY.values()} <= set(app._tasks)


@pytest.mark.slow
def test_a_queue_that_is_full_holds_up_no_other_one_and_lets_go_at_the_end(house: House) -> None:
    for _ in range(THREADS["images"] + 3):
        house.send("tests.occupy", "images")
    assert wait_until(lambda: house.counted("occupied") == THREADS["images"], PATIENCE)
    house.send("tests.answer", "celery")
    house.send("tests.answer", "voice")
    assert wait_until(lambda: house.counted("answers") == 2, PATIENCE)
    house.worker.send_signal(signal.SIGTERM)
    assert house.worker.wait(PATIENCE) == 0
    left = house.client.lrange("tests:left", 0, -1)
    assert set(left) == {b"draining"}
