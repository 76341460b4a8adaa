"""A real `nitro up` on a fresh data folder, for the browser to visit."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from pathlib import Path
from typing import Self

import psutil

READY = re.compile(r"Nitro is ready: (?P<base>http://[^/\s]+)(?P<path>\S*)")
OURS = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
START_SECONDS = 300.0  # a limit for giving up: machines can be busy
STOP_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


class NitroUp:
    """Starts it, reads its one line, ends it. `base` is its address and `link` signs the first user in."""

    def __init__(self, settings: dict[str, str]) -> None:
        # PostgreSQL runs as a user of its own, which must be able to enter.
        self.home = Path(tempfile.mkdtemp(prefix="nitro-browser-"))
        self.home.chmod(0o755)
        given = {name: value for name, value in os.environ.items() if name not in OURS}
        self.environment = {**given, **settings, "NITRO_HOME": str(self.home)}
        self.said: list[str] = []
        self.base = self.link = ""

    async def __aenter__(self) -> Self:
        self.process: Process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "nitro", "up", "--port", str(free_port()), "--workers", "1"],
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self.ready = asyncio.Event()
        self.reading = asyncio.create_task(self._read())
        try:
            async with asyncio.timeout(START_SECONDS):
                await self.ready.wait()
        except TimeoutError:
            await self.__aexit__()
        assert self.base, "Nitro did not start:\n" + "".join(self.said[-50:])
        return self

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(line.decode("utf-8", "replace"))
            if found := READY.search(self.said[-1]):
                self.base, self.link = found["base"], found["base"] + found["path"]
                self.ready.set()
        self.ready.set()

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        await self.reading
        shutil.rmtree(self.home, ignore_errors=True)

    def web_processes(self) -> list[psutil.Process]:
        """The processes that answer the browser."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "nitro.web" in child.cmdline()]
