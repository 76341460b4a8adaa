"""The stage on which scenarios play: one PostgreSQL and one Redis for the run, web processes and models as needed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Self, TypeVar

from benchmarks.household import ROOT, START_SECONDS, Household, Starter, answers, free_port, fresh_home
from nitro.process import Program, end, spawn, wait_until

T = TypeVar("T")
# What a process needs of the machine. Everything else stays outside, so that nobody's settings change the figures.
KEPT = frozenset({"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV"})


def outside() -> dict[str, str]:
    """The environment of the programs on the stage before any scenario adds its own."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("LC_")}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "nitro.settings",
        "RATE_LIMIT_CHAT": "1000000/minute",
        "MAX_SESSIONS": "100000",
        "MALLOC_ARENA_MAX": "2",
        "BACKUP_BEFORE_MIGRATION": "false",
    }


@contextmanager
def alone() -> Iterator[None]:
    """This process's own environment without anybody's settings, too: its children get it."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(outside())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Stage:
    """What scenarios may put up. What `web`, `model` and `enter` put there goes when the scenario is over.

    `models` is the folder in which this installation keeps model files.
    """

    def __init__(self, models: Path | None = None) -> None:
        self.models = models
        self._run = ExitStack()
        self._scenario = ExitStack()
        self._house: Household | None = None
        self._runner: asyncio.Runner | None = None
        self._numbers = count(1)

    def __enter__(self) -> Self:
        self._run.enter_context(alone())
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
        self._run.close()
        self._house = None

    def clear(self) -> None:
        """Take down what the last scenario has put up."""
        old, self._scenario = self._scenario, ExitStack()
        try:
            if self._runner is not None:
                self._runner.close()
        finally:
            self._runner = None
            old.close()

    def enter(self, manager: AbstractContextManager[T]) -> T:
        """Enter a context that is left when the scenario is over."""
        return self._scenario.enter_context(manager)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the scenario's one event loop, on which sockets stay open between two samples."""
        self._runner = self._runner or asyncio.Runner()
        return self._runner.run(work)

    @property
    def home(self) -> Path:
        """The data folder of the run, with both stores running."""
        return self.stores().home

    def stores(self) -> Household:
        """PostgreSQL and Redis, started when somebody asks for the first time."""
        if self._house is None:
            home = self._run.enter_context(fresh_home())
            house = Household(home, 0, 0, outside() | {"NITRO_HOME": str(home)})
            self._run.enter_context(Starter(house)).stores()
            self._house = house
        return self._house

    def model(self, *words: str) -> int:
        """A stand-in for a model server with these words on its command line; returns its port."""
        port = free_port()
        argv = [sys.executable, "-m", "benchmarks.standin", "--port", str(port), *words]
        child = spawn(Program(argv, environment={"PYTHONPATH": str(ROOT)}, folder=str(ROOT)))
        self._scenario.callback(end, child, signal.SIGKILL, 5)
        assert wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"), START_SECONDS), "no stand-in"
        return port

    def web(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        model: int = 0,
        workers: int = 1,
        module: str = "nitro.web",
    ) -> Household:
        """Web processes of their own on the run's stores.

        `environment` holds settings by name, `model` is the port of a stand-in (0: one that answers at once), `module`
        another program than Nitro's own that changes something and then starts it.
        """
        house = self.settled(environment or {}, model=model or self.model("--rate", "0", "--tokens", "20"))
        self.enter(Starter(house)).webs(workers, module=module, label=f"web{next(self._numbers)}")
        return house

    def settled(self, environment: Mapping[str, str], *, model: int) -> Household:
        """The environment and ports of web processes that somebody else starts."""
        settings = {
            "AI_MODEL": "openai",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{model}/v1",
            "OPENAI_MODEL": "stand-in",
        }
        stores = self.stores()
        house = Household(stores.home, free_port(), model, {**stores.environment, **settings, **environment})
        house.children |= stores.children
        return house
