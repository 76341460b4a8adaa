"""Keeps one process alive: starts it, prints what it says, and starts it again when it dies."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from typing import Protocol

from nitro.console import Console
from nitro.embedded.errors import ServiceError
from nitro.process import Program, arguments

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
STEADY_SECONDS = 30.0  # who ran this long has earned a quick restart again
LAST_WORDS_SECONDS = 1.0
REPAIR_AFTER = 3  # quick deaths in a row


class Service(Protocol):
    """What can be kept: an embedded service, a web process, a worker."""

    name: str

    def prepare(self) -> None:
        """Called in a thread before every start. Raises `ServiceError` where a start is hopeless for now."""

    def program(self) -> Program:
        """What to run."""

    def repair(self, last_words: str) -> str:
        """Called when it keeps failing, with what it said last; returns what was done, in one sentence, or nothing."""


class Keeper:
    """One kept process."""

    def __init__(self, service: Service, console: Console) -> None:
        self.service = service
        self.console = console
        self.child: asyncio.subprocess.Process | None = None
        self.deaths = 0
        self.problem = ""
        self.last_words = ""
        self.started = asyncio.Event()
        self._ending = False
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The name in the log."""
        return self.service.name

    def start(self) -> None:
        """Begin to keep it. Returns at once; `started` says when the process was there for the first time."""
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End it in its own way, by force after its grace period; it does not come back."""
        self._ending = True
        if self._task is None:
            return
        if self.child is None:
            self._task.cancel()
        else:
            program = self.service.program()
            self._signal(program.stop_signal)
            _, running = await asyncio.wait([self._task], timeout=program.grace)
            if running:
                self.console.line(self.name, f"did not stop within {program.grace:g} s and was killed")
                self._signal(signal.SIGKILL)
        await asyncio.wait([self._task])

    def kill(self) -> None:
        """End it at once."""
        self._ending = True
        hasty = signal.SIGQUIT if self.name == "postgres" else signal.SIGKILL
        self._signal(hasty)

    def _signal(self, number: signal.Signals) -> None:
        if self.child is not None and self.child.returncode is None:
            self.child.send_signal(number)

    async def _keep(self) -> None:
        while True:
            began = time.monotonic()
            await self._run_once()
            if self._ending:
                return
            self.deaths = 1 if time.monotonic() - began > STEADY_SECONDS else self.deaths + 1
            await self._mend()
            await asyncio.sleep(pause(self.deaths))

    async def _run_once(self) -> None:
        """One life of the process, from its start to its last line."""
        try:
            await asyncio.to_thread(self.service.prepare)
            if self._ending:
                return
            program = self.service.program()
            child = await launch(program)
        except (ServiceError, OSError) as error:
            self.problem = str(error)
            self.console.line(self.name, self.problem)
            return
        self.child = child
        self.started.set()
        following = asyncio.create_task(self.console.follow(self.name, child.stdout, program.noise))
        status = await child.wait()
        # A grandchild may hold the pipe open for longer than anybody wants to wait.
        done, _ = await asyncio.wait([following], timeout=LAST_WORDS_SECONDS)
        self.last_words = following.result() if done else ""
        following.cancel()
        self.child = None
        if not self._ending:
            self.problem = f"ended with status {status}"
            self.console.line(self.name, f"{describe(status)}; starting it again")

    async def _mend(self) -> None:
        if self.deaths % REPAIR_AFTER == 0 and (done := await asyncio.to_thread(self.service.repair, self.last_words)):
            self.console.line(self.name, done)


async def launch(program: Program, stderr: int = asyncio.subprocess.STDOUT) -> asyncio.subprocess.Process:
    """Start a program from the main thread, its lines to be read from `stdout`."""
    return await asyncio.create_subprocess_exec(
        *program.argv, stdout=asyncio.subprocess.PIPE, stderr=stderr, **arguments(program)
    )


def pause(deaths: int) -> float:
    """Seconds before the next start: 0.2, 0.4, 0.8 … 10."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (max(deaths, 1) - 1)))


def describe(status: int) -> str:
    """How a process ended, in words."""
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


Ready = Callable[[], bool]


async def until(ready: Ready, seconds: float, step: float = 0.03) -> bool:
    """Ask in a thread, again and again, until it is so; False when the time has passed."""
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(ready):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(step)
    return True
