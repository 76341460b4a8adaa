"""Work on what strangers send, in a process of its own that cannot take more time or memory than it was given.

`run` starts a fresh process for one call, which costs some 40 ms; `Warm` keeps one for many. The function is named by
its dotted path, so that the child imports nothing else: no Django, no settings, no secrets of the environment.
Arguments may be whatever pickle takes. Results are plain values (None, bool, int, float, str, bytes, list, tuple,
dict): a child that something hostile has taken over must not be able to send back objects that act.
"""

from __future__ import annotations

import asyncio
import io
import logging
import math
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NoReturn

from apps.core.cell import HEAD, LARGEST_PIECE
from apps.core.errors import NitroError

logger = logging.getLogger(__name__)
# A child's own memory allocator would reserve 64 MB of addresses for every thread.
ENVIRONMENT = {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1", "PYTHONDONTWRITEBYTECODE": "1"}
KEPT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")


class Confined(NitroError):
    """Work in a confined process did not come to a good end."""

    code = "unreadable"
    status = 422


class TooLong(Confined):
    """It took longer than it was given, and was ended."""

    code = "took_too_long"
    hint = "Send something smaller or simpler."


class TooMuch(Confined):
    """It wanted more memory than it was given."""

    code = "took_too_much"
    hint = "Send something smaller or simpler."


class Failed(Confined):
    """The function raised, or its process died. `reason` is the name of what it raised, for logs and tests."""

    hint = "The file may be damaged, or not be what its name says."
    reason = ""


class PlainUnpickler(pickle.Unpickler):
    """Reads plain values and nothing that could act."""

    def find_class(self, module_name: str, global_name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is no plain value")


class Cell:
    """One confined process and the line to it."""

    def __init__(self, *, memory_mb: int, cpu_seconds: float = 0) -> None:
        self.line, inside = socket.socketpair()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "apps.core.cell", str(memory_mb), str(math.ceil(cpu_seconds))],
                env=environment(),
                stdin=inside.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            self.line.close()
            raise
        finally:
            inside.close()

    def ask(self, function: str, arguments: tuple[Any, ...], seconds: float) -> Any:
        """Call a function in there. Raises `TooLong`, `TooMuch` or `Failed`."""
        deadline = time.monotonic() + seconds
        try:
            message = pickle.dumps((function, arguments), protocol=5)
            self.line.settimeout(seconds)
            self.line.sendall(HEAD.pack(len(message)))
            self.line.sendall(message)
            head = self._exactly(HEAD.size, deadline)
            reply = self._exactly(HEAD.unpack(head)[0], deadline)
        except TimeoutError as error:
            raise TooLong(f"This took longer than {seconds:g} seconds and was given up.") from error
        except OSError as error:
            raise self._death() from error
        return opened(reply, function)

    def _exactly(self, size: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.line.settimeout(left)
            part = self.line.recv(min(size - len(parts), LARGEST_PIECE))
            if not part:
                raise ConnectionResetError("the process ended")
            parts += part
        return bytes(parts)

    def _death(self) -> Confined:
        """What it died of, as far as the kernel tells."""
        self.close()
        code = self.process.returncode
        if code in {-signal.SIGXCPU, -signal.SIGKILL}:
            return TooLong("This took more work than Nitro gives it, and was given up.")
        failed = Failed("This could not be read: the program that tried it broke down.")
        failed.reason = f"exit status {code}"
        logger.warning("A confined process ended with status %s.", code)
        return failed

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def close(self, grace: float = 0.5) -> None:
        """End the process; with force where it does not go by itself."""
        self.line.close()
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def environment() -> dict[str, str]:
    """What a child may know: where programs and packages are, no settings and no secrets."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}


def opened(reply: bytes, function: str) -> Any:
    """The value in a reply; raises what the child could not do."""
    try:
        kind, *rest = PlainUnpickler(io.BytesIO(reply)).load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, IndexError, KeyError) as error:
        raise Failed("This could not be read: what came back makes no sense.") from error
    match kind:
        case "value":
            return rest[0]
        case "memory":
            raise TooMuch("This needs more memory than Nitro gives it.")
        case "told":
            raise _told(*rest)
    failed = Failed("This could not be read.")
    failed.reason = str(rest[0])
    logger.info("%s raised %s.", function, failed.reason)
    logger.debug("It said: %s", *rest[1:])  # which may quote what was to be read
    raise failed


def _told(message: str, code: str, status: int, hint: str) -> Failed:
    """What the function itself said about it."""
    failed = Failed(message, code=code, hint=hint)
    failed.status = status
    failed.reason = code
    return failed


def run(function: str, *arguments: Any, seconds: float, memory_mb: int) -> Any:
    """Call a function, named by its dotted path, in a fresh process that ends afterwards. Blocks.

    `seconds` count from the start of the process and are both time on the clock and time of the processor; `memory_mb`
    is all the address space it may have, the interpreter's own 30 MB or so included. Raises `TooLong`, `TooMuch`, and
    `Failed` with the sentence of a `NitroError` that the function raised, or with one of its own.
    """
    cell = Cell(memory_mb=memory_mb, cpu_seconds=seconds)
    try:
        return cell.ask(function, arguments, seconds)
    finally:
        cell.close(grace=0)


class Warm:
    """A confined process that stays for the next call, for functions whose modules are slow to load or keep a state.

    It starts with the first call and ends after `idle_seconds` without one, or when a call went wrong in a way that
    leaves nothing to rely on; the next call starts another. `born` counts the processes there have been, so that
    whoever left something in one can tell that it is gone. Calls come one after the other.
    """

    def __init__(self, *, memory_mb: int, idle_seconds: float = 120.0) -> None:
        self.memory_mb = memory_mb
        self.idle_seconds = idle_seconds
        self.born = 0
        self.waiting = 0
        self._cell: Cell | None = None
        self._lock = threading.Lock()
        # A thread of its own: calls come one after the other anyway, and those who wait keep no others waiting.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="warm")
        self._timer: threading.Timer | None = None
        self._last = 0.0

    def run(self, function: str, *arguments: Any, seconds: float) -> Any:
        """Call a function in there. `seconds` count from when it is this call's turn. Raises as `confined.run`."""
        self.waiting += 1
        try:
            with self._lock:
                return self._ask(function, arguments, seconds)
        finally:
            self.waiting -= 1

    async def run_async(self, function: str, *arguments: Any, seconds: float) -> Any:
        """As `run`, without blocking. When the caller is cancelled, the call ends by itself in its time."""
        call = partial(self.run, function, *arguments, seconds=seconds)
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    @property
    def pid(self) -> int | None:
        """The process there is now, if any."""
        return self._cell.process.pid if self._cell is not None and self._cell.is_alive else None

    def end(self) -> None:
        """End the process now; the next call starts another."""
        with self._lock:
            self._end()

    def _ask(self, function: str, arguments: tuple[Any, ...], seconds: float) -> Any:
        cell = self._ready()
        try:
            return cell.ask(function, arguments, seconds)
        except (TooLong, TooMuch):
            self._end()
            raise
        finally:
            self._last = time.monotonic()

    def _ready(self) -> Cell:
        if self._cell is not None and not self._cell.is_alive:
            self._end()
        if self._cell is None:
            self._cell = Cell(memory_mb=self.memory_mb)
            self.born += 1
            self._watch(self.idle_seconds)
        return self._cell

    def _end(self) -> None:
        if self._cell is not None:
            self._cell.close(grace=0.05)
            self._cell = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self, seconds: float) -> None:
        """Look again when it may have been idle long enough."""
        self._timer = threading.Timer(seconds, self._end_if_idle)
        self._timer.daemon = True
        self._timer.start()

    def _end_if_idle(self) -> None:
        with self._lock:
            idle = time.monotonic() - self._last
            if idle >= self.idle_seconds:
                self._end()
            elif self._cell is not None:
                self._watch(self.idle_seconds - idle)
