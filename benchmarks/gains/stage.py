"""The stage on which scenarios play: one PostgreSQL and one Redis for the run, web processes and models as needed."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Self, TypeVar

from apps.llm.local import LocalModel
from benchmarks import household
from benchmarks.gains.scenario import Skipped
from benchmarks.gains.talking import Client, program, visitor
from benchmarks.household import ROOT, START_SECONDS, Household, Seat, Starter, answers, free_port, fresh_home, machine
from nitro.embedded.errors import ServiceError
from nitro.embedded.model import Model
from nitro.process import Program, end, spawn, wait_until

T = TypeVar("T")


def outside() -> dict[str, str]:
    """The environment of the programs on the stage before any scenario adds its own."""
    return machine() | {
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
    with household.alone(outside()):
        yield


class Stage:
    """What scenarios may put up. What `web`, `model` and `enter` put there goes when the scenario is over.

    `installed` is the data folder of this installation, `ollama` the address of its Ollama: scenarios look there for
    models, and change nothing.
    """

    def __init__(self, installed: Path | None = None, ollama: str = "http://localhost:11434") -> None:
        self.installed, self.ollama = installed, ollama
        self._run = ExitStack()
        self._scenario = ExitStack()
        self._house: Household | None = None
        self._runner: asyncio.Runner | None = None
        self._numbers = count(1)
        self._plain: Household | None = None
        self._key = ""
        self._seats: dict[int, Seat] = {}

    def __enter__(self) -> Self:
        self._run.enter_context(alone())
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
        self._run.close()
        self._house = self._plain = None

    def clear(self) -> None:
        """Take down what the last scenario has put up."""
        old, self._scenario = self._scenario, ExitStack()
        try:
            old.close()
        finally:
            runner, self._runner = self._runner, None
            if runner is not None:
                runner.run(asyncio.sleep(0.01))  # what was closed says goodbye
                runner.close()

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

    def key(self) -> str:
        """Somebody's key, made once in a run and good at all web processes."""
        self._key = self._key or self.stores().keys(1)[0]
        return self._key

    def seat(self, messages: int = 0) -> Seat:
        """Somebody signed in with a conversation of so many messages, made once in a run."""
        if messages not in self._seats:
            (self._seats[messages],) = self.stores().seats(1, messages=messages)
        return self._seats[messages]

    def program(self, house: Household) -> Client:
        """A program with a connection to these web processes."""
        return self.enter(program(house.port, self.key()))

    def visitor(self, house: Household, messages: int = 0) -> Client:
        """The person of `seat`, at a browser."""
        return self.enter(visitor(house.port, self.seat(messages).cookie))

    def start(
        self, argv: Sequence[str], ready: Callable[[], bool], environment: Mapping[str, str] | None = None
    ) -> None:
        """One more program of ours, until the scenario is over."""
        around = {"PYTHONPATH": str(ROOT), **(environment or {})}
        child = spawn(Program([sys.executable, "-m", *argv], environment=around, folder=str(self.home)))
        self._scenario.callback(end, child, signal.SIGKILL, 5)
        assert wait_until(lambda: ready() or child.poll() is not None, START_SECONDS), f"{argv[0]} did not start"
        assert child.poll() is None, f"{argv[0]} ended at once"

    def model(self, *words: str) -> int:
        """A stand-in for a model server with these words on its command line; returns its port."""
        port = free_port()
        argv = ["benchmarks.standin", "--port", str(port), *words]
        self.start(argv, lambda: answers(f"http://127.0.0.1:{port}/health"))
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

    def builtin(self, chosen: LocalModel | None = None) -> str:
        """The model that Nitro brings along, or one from a file; returns its address."""
        model = Model(self.home, chosen)
        try:
            model.prepare()
        except ServiceError as error:
            raise Skipped(str(error)) from error
        words = list(model.program().argv)[2:]
        self.start(words, model.ready)
        return model.url

    def plain(self) -> Household:
        """One web process as Nitro comes, for all scenarios of the run that need nothing else."""
        if self._plain is None:
            house = self.settled({}, model=free_port())
            self._run.enter_context(Starter(house)).webs(1, label="plain")
            self._plain = house
        return self._plain

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
