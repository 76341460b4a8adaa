"""The inside of a confined process: takes its limits, does what it is told, and answers in plain values.

Run by `apps/core/confined.py` as `python -m apps.core.cell MEMORY_MB CPU_SECONDS`, with one end of a socket as its
standard input. Nothing of Django, of the settings or of the parent's memory is in here.
"""

from __future__ import annotations

import gc
import os
import pickle
import pkgutil
import resource
import select
import socket
import struct
import sys
import threading
from typing import Any

from apps.core.errors import NitroError

HEAD = struct.Struct("!Q")
STACK = 256 * 1024
OPEN_FILES = 128
LARGEST_PIECE = 1 << 20
Reply = tuple[Any, ...]


def limit(memory_mb: int, cpu_seconds: int) -> None:
    """Take the limits of this process; there is no way back. `cpu_seconds` of 0 means as many as it likes."""
    memory = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    if cpu_seconds:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))


def end_with_parent(line: socket.socket) -> None:
    """End as soon as nobody is at the other end any more, in the middle of whatever."""

    def wait() -> None:
        poll = select.poll()
        poll.register(line, select.POLLHUP)
        poll.poll()
        os._exit(0)

    threading.stack_size(STACK)
    threading.Thread(target=wait, daemon=True).start()


def receive(line: socket.socket) -> bytes | None:
    """The next message; None when the other side has hung up."""
    head = exactly(line, HEAD.size)
    return None if head is None else exactly(line, HEAD.unpack(head)[0])


def exactly(line: socket.socket, size: int) -> bytes | None:
    """So many bytes, None when the other side hangs up before. A timeout of the socket counts for each piece."""
    parts: list[bytes] = []
    while size:
        part = line.recv(min(size, LARGEST_PIECE))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def answer(message: bytes) -> Reply:
    """Call the function that the message names; what it raised, in words."""
    try:
        # The message comes from the parent, which this process trusts; the way back is checked.
        function, arguments = pickle.loads(message)  # noqa: S301
        return ("value", pkgutil.resolve_name(function)(*arguments))
    except MemoryError:
        return ("memory",)
    except NitroError as error:
        return ("told", error.message, error.code, error.status, error.hint)
    except Exception as error:  # noqa: BLE001 (whatever it is, the parent has to hear of it, and writes it to the log)
        return ("broke", type(error).__name__, str(error)[:500])


def packed(reply: Reply) -> bytes:
    try:
        return pickle.dumps(reply, protocol=5)
    except MemoryError:
        return pickle.dumps(("memory",))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        return pickle.dumps(("broke", type(error).__name__, str(error)[:500]))


def serve(line: socket.socket) -> None:
    """Answer until the other side hangs up."""
    while (message := receive(line)) is not None:
        reply = packed(answer(message))
        line.sendall(HEAD.pack(len(reply)) + reply)
        del message, reply
        gc.collect(0)


def main() -> None:
    line = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    end_with_parent(line)
    limit(int(sys.argv[1]), int(sys.argv[2]))
    serve(line)


if __name__ == "__main__":
    main()
