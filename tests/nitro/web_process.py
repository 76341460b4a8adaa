"""Starts the tiny web process of `door.py` for a test and measures what it costs."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nitro.listening import listen
from nitro.process import Program, end, spawn, wait_until

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Web:
    """A running web process."""

    child: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def peak_megabytes(self) -> float:
        """The most memory it ever had resident."""
        status = Path(f"/proc/{self.child.pid}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


def answers(port: int) -> bool:
    """Whether something accepts and replies there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(("127.0.0.1", port))
            probe.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return probe.recv(8) != b""
        except OSError:
            return False


def accepts(port: int) -> bool:
    """Whether something speaks TLS there."""
    context = ssl._create_unverified_context()  # noqa: S323
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False


@contextmanager
def web_process(stall: float = 30.0, tls: tuple[Path, Path] | None = None) -> Iterator[Web]:
    """A web process on a free port, ended with SIGTERM."""
    listening = listen("127.0.0.1", 0)
    port = int(listening.getsockname()[1])
    argv = [sys.executable, "-m", "tests.nitro.door", "--fd", str(listening.fileno()), "--stall", str(stall)]
    argv += ["--family", str(int(listening.family))]
    argv += ["--tls", *map(str, tls)] if tls else []
    child = spawn(Program(argv, pass_fds=[listening.fileno()], folder=str(ROOT)))
    listening.close()
    try:
        assert wait_until(lambda: accepts(port) if tls else answers(port), 30)
        yield Web(child, port)
    finally:
        end(child, signal.SIGTERM, 10)
