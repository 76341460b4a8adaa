"""One child process: what to run, as whom, and how to end it. The child never outlives the process that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Program:
    """A program that runs in the foreground until `stop_signal` ends it.

    `orphan_signal` is what the kernel sends it when its parent dies without a word (kill -9); `user` is an account to
    run as, which only root may ask for; `grace` is how many seconds it may take to stop; `folder` is where it runs;
    `noise` is a pattern of lines that every start and stop brings and nobody needs to read.
    """

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    pass_fds: Sequence[int] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    grace: float = 10.0
    folder: str | None = None
    noise: str = r"(?!)"


def follow_parent(orphan_signal: signal.Signals, parent: int) -> Callable[[], None]:
    """What the child runs before its program: die with the parent, even where that one is already gone."""

    def preexec() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(orphan_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return preexec


def arguments(program: Program) -> dict[str, Any]:
    """The keyword arguments with which subprocess (or asyncio's subprocess) starts the program.

    It gets a session of its own, so that Ctrl-C in a terminal reaches only the supervisor, which stops things in order.
    """
    return {
        "env": {**os.environ, **program.environment},
        "user": program.user,
        "group": program.user,
        "extra_groups": [] if program.user else None,
        "pass_fds": tuple(program.pass_fds),
        "start_new_session": True,
        "cwd": program.folder,
        "stdin": subprocess.DEVNULL,
        "preexec_fn": follow_parent(program.orphan_signal, os.getpid()),
    }


def spawn(program: Program, output: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start the program with both of its outputs going to `output`. Call it from a thread that stays alive."""
    more = arguments(program)
    child: subprocess.Popen[bytes] = subprocess.Popen(program.argv, stdout=output, stderr=subprocess.STDOUT, **more)
    return child


def wait_until(true: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Ask again and again until it is true; False when the time has passed."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def end(child: subprocess.Popen[bytes], stop_signal: signal.Signals, grace: float) -> int:
    """Stop a child, with force after `grace` seconds; returns its exit status."""
    if child.poll() is None:
        child.send_signal(stop_signal)
    try:
        return child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
