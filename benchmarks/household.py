"""Everything a benchmark needs, started on a fresh data folder: PostgreSQL, Redis, web processes, the stand-in."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

from nitro.embedded.postgres import Postgres
from nitro.embedded.redis import Redis
from nitro.listening import listen
from nitro.process import Program, end, spawn, wait_until

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
# What a process needs of the machine. Everything else stays outside, so that nobody's settings change the figures.
KEPT = frozenset({"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV"})


@dataclass(frozen=True, slots=True)
class Seat:
    """A signed-in person and their conversation."""

    cookie: str
    conversation: str

    @property
    def path(self) -> str:
        """Where their socket is."""
        return f"/ws/chat/{self.conversation}/?html=1"


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of processor time so far, by program; `everybody` is the whole machine, strangers included."""

    web: float
    postgres: float
    redis: float
    model: float
    client: float
    everybody: float

    @property
    def server(self) -> float:
        """What Nitro costs: its web processes and both stores."""
        return self.web + self.postgres + self.redis

    @property
    def strangers(self) -> float:
        """What programs used that have nothing to do with the measurement."""
        return self.everybody - self.server - self.model - self.client

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(*(getattr(self, name) - getattr(other, name) for name in self.__slots__))


@dataclass
class Household:
    """The running programs. `port` is where the pages are, `model_port` where the stand-in is."""

    home: Path
    port: int
    model_port: int
    environment: Mapping[str, str]
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def seats(self, count: int, *, messages: int = 0) -> list[Seat]:
        """So many people with a new conversation each."""
        argv = [sys.executable, "-m", "benchmarks.rows", str(count), str(messages)]
        done = subprocess.run(argv, env=self.environment, cwd=self.home, check=True, stdout=subprocess.PIPE)
        return [Seat(*pair) for pair in json.loads(done.stdout)]

    def keys(self, count: int) -> list[str]:
        """A key for each of so many people."""
        argv = [sys.executable, "-m", "benchmarks.keys", str(count)]
        done = subprocess.run(argv, env=self.environment, cwd=self.home, check=True, stdout=subprocess.PIPE)
        found: list[str] = json.loads(done.stdout)
        return found

    def model(self, *words: str) -> None:
        """Start the stand-in anew, with these words on its command line."""
        old = self.children.pop("model", None)
        if old is not None:
            end(old, signal.SIGKILL, 5)
        argv = [sys.executable, "-m", "benchmarks.standin", "--port", str(self.model_port), *words]
        self.children["model"] = spawn(Program(argv, folder=str(ROOT)))
        assert wait_until(lambda: answers(f"http://127.0.0.1:{self.model_port}/health"), START_SECONDS)

    def cpu(self) -> Cpu:
        """Processor time up to now."""
        web = [self.children[name] for name in self.children if name.startswith("web")]
        machine = psutil.cpu_times()
        return Cpu(
            web=sum(spent(child.pid) for child in web),
            postgres=spent(self.children["postgres"].pid),
            redis=spent(self.children["redis"].pid),
            model=spent(self.children["model"].pid),
            client=own(os.getpid()),
            everybody=sum(machine) - machine.idle - machine.iowait - machine.guest - machine.guest_nice,
        )


def own(pid: int) -> float:
    """User and system seconds of a process and of its children that have ended."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def spent(pid: int) -> float:
    """The same with the children that live."""
    total = own(pid)
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            total += own(child.pid)
    return total


def answers(url: str) -> bool:
    """Whether a page is served there."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (our own address)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def fresh_home() -> Iterator[Path]:
    """A data folder that PostgreSQL's user can enter, gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="nitro-bench-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def machine() -> dict[str, str]:
    """The part of this process's environment that is the machine's and nobody's setting."""
    return {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("LC_")}


@contextmanager
def alone(around: Mapping[str, str] | None = None) -> Iterator[None]:
    """This process's own environment without anybody's settings, too: `spawn` gives it to every child."""
    before = dict(os.environ)
    wanted = machine() | dict(around or {})
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def surroundings(home: Path, model_port: int) -> dict[str, str]:
    """The environment of all processes; anybody's own settings of Nitro stay outside."""
    return machine() | {
        "NITRO_HOME": str(home),
        "PYTHONPATH": str(ROOT),  # programs run in the data folder: a `.env` of the current one is not for them
        "AI_MODEL": "openai",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{model_port}/v1",
        "OPENAI_MODEL": "stand-in",
        "RATE_LIMIT_CHAT": "1000000/minute",
        "MAX_SESSIONS": "100000",
        "MALLOC_ARENA_MAX": "2",
    }


class Starter:
    """Starts the household's programs in order and ends them in the opposite one."""

    def __init__(self, house: Household) -> None:
        self.house = house
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("model",):
            if name in self.house.children:
                end(self.house.children.pop(name), signal.SIGKILL, 5)
        self._stack.close()

    def start(self, name: str, program: Program) -> None:
        """One more program; its words go to a file of its name in the data folder."""
        with (self.house.home / f"{name}.log").open("wb") as log:
            child = spawn(program, log)
        self.house.children[name] = child
        self._stack.callback(end, child, program.stop_signal, program.grace)

    def stores(self) -> None:
        """PostgreSQL and Redis, and what must be in them."""
        for store in (Postgres(self.house.home), Redis(self.house.home)):
            store.prepare()
            self.start(store.name, store.program())
            assert wait_until(store.ready, START_SECONDS), f"{store.name} did not start"
        argv = [sys.executable, "-m", "nitro.prepare", str(self.house.home), "benchmark"]
        environment = {**self.house.environment, "NITRO_ROLE": "web"}
        subprocess.run(argv, env=environment, cwd=self.house.home, check=True, stdout=subprocess.DEVNULL)

    def webs(self, count: int, *, module: str = "nitro.web", label: str = "web") -> None:
        """Web processes on one listening socket; `label` tells their slots from those of other web processes."""
        listening = listen("127.0.0.1", self.house.port)
        fd = listening.fileno()
        for number in range(1, count + 1):
            environment = {**self.house.environment, "NITRO_ROLE": "web", "NITRO_SLOT": f"{label}-{number}"}
            argv = [sys.executable, "-m", module, "--fd", str(fd)]
            program = Program(argv, environment=environment, pass_fds=[fd], folder=str(self.house.home))
            self.start(f"{label}-{number}", program)
        listening.close()
        assert wait_until(lambda: answers(f"http://127.0.0.1:{self.house.port}/readyz"), START_SECONDS)


@contextmanager
def household(*, workers: int = 2) -> Iterator[Household]:
    """Everything, started; the stand-in speaks at 20 tokens a second."""
    with alone(), fresh_home() as home:
        model_port = free_port()
        house = Household(home, free_port(), model_port, surroundings(home, model_port))
        with Starter(house) as starter:
            starter.stores()
            house.model("--rate", "20", "--tokens", "100")
            starter.webs(workers)
            yield house
