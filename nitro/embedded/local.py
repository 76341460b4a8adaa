"""Models from files of the data folder, each in a process of its own: started when somebody asks, ended when idle.

The supervisor listens on a socket that only its own user may open. A web process asks there for a model by its name,
and hears where it answers, that it is being loaded, or why it cannot be.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitro import embedded
from nitro.console import Console
from nitro.embedded.errors import ServiceError
from nitro.embedded.model import HOST, bindable, file_arguments
from nitro.keeper import Keeper
from nitro.process import Program

if TYPE_CHECKING:
    from apps.llm.local import LocalModel

IDLE_SECONDS = 600.0
LOOK_SECONDS = 30.0
QUIET_SECONDS = 5.0  # after a question, in which a model is not taken for idle
HOPELESS = 2  # deaths before the first answer
ROOM = 0.95  # of the free memory that a model may take
LINE_LIMIT = 4096
PROBE_SECONDS = 1.0
Answer = Mapping[str, Any]


class LocalServer:
    """One model as a child process."""

    def __init__(self, model: LocalModel, wanted: int) -> None:
        self.name = "model"
        self.model = model
        self.wanted = wanted
        self.has_answered = False
        self.port = bindable(0)
        self.last_used = time.monotonic()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/v1"

    def prepare(self) -> None:
        """Raises `ServiceError` where the file has gone."""
        if not self.model.path.exists():
            raise ServiceError(f"The file {self.model.path.name} has gone.")

    def repair(self, last_words: str) -> str:
        """Nothing to repair."""
        return ""

    def program(self) -> Program:
        """The server as a child in the foreground."""
        argv = [sys.executable, "-m", "nitro.embedded.model", "--port", str(self.port), *file_arguments(self.model)]
        return Program(argv, grace=3.0)

    def ready(self) -> bool:
        """Whether the model is loaded and the server answers."""
        healthy = self._get("/health") is not None
        self.has_answered = self.has_answered or healthy
        return healthy

    @property
    def hidden(self) -> int:
        """The bytes that it takes and the system does not count as taken: all of them before it is loaded, and later
        the file, which lies in a cache that the system would give away."""
        return self.model.size if self.has_answered else self.wanted

    def is_idle(self) -> bool:
        """Whether it may be ended for another one: somebody may be waiting for a model that is being loaded."""
        rested = time.monotonic() - self.last_used > QUIET_SECONDS
        return self.has_answered and rested and not self.is_busy()

    def is_busy(self) -> bool:
        """Whether it is answering somebody right now."""
        lines = (self._get("/metrics") or "").splitlines()
        return any(line.startswith("llamacpp:requests_processing") and not line.endswith(" 0") for line in lines)

    def _get(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}{path}", timeout=PROBE_SECONDS) as answer:
                return str(answer.read(65_536).decode()) if answer.status == 200 else None
        except (urllib.error.URLError, OSError, ValueError):
            return None


def private_socket(path: Path) -> socket.socket:
    """A socket for this user alone. Nobody can come in before it listens, and by then its mode is set.

    A umask would do the same, and belongs to all threads: folders that others make meanwhile would not open.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(path))
    path.chmod(0o600)
    return made


class LocalModels:
    """All models from files that run, and the socket on which they are asked for."""

    def __init__(self, home: Path, console: Console) -> None:
        self.home, self.console = home, console
        self.running: dict[str, tuple[LocalServer, Keeper]] = {}
        self._lock = asyncio.Lock()
        self._server: asyncio.Server | None = None
        self._tidying: asyncio.Task[None] | None = None

    @property
    def keepers(self) -> list[Keeper]:
        return [keeper for _, keeper in self.running.values()]

    async def open(self) -> None:
        """Listen, readable and writable for this user alone."""
        path = embedded.models_socket(self.home)
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._talk, sock=private_socket(path), limit=LINE_LIMIT)
        self._tidying = asyncio.create_task(self._tidy())

    async def close(self) -> None:
        """Listen no more and end all models."""
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.wait([self._tidying])
        if self._server is not None:
            self._server.close()
            embedded.models_socket(self.home).unlink(missing_ok=True)
        await asyncio.gather(*(keeper.stop() for keeper in self.keepers))
        self.running.clear()

    async def ask(self, name: str) -> Answer:
        """Where a model answers; starts it where it does not run."""
        async with self._lock:
            if name not in self.running:
                refusal = await self._start(name)
                if refusal is not None:
                    return refusal
            return await self._state(name)

    async def end(self, name: str) -> None:
        """End a model whose file is being removed."""
        async with self._lock:
            if name in self.running:
                await self._stop(name)

    async def _state(self, name: str) -> Answer:
        server, keeper = self.running[name]
        server.last_used = time.monotonic()
        if await asyncio.to_thread(server.ready):
            return {"state": "ready", "url": server.url}
        if keeper.deaths < HOPELESS:
            return {"state": "loading"}
        words = keeper.last_words.strip().splitlines()[-1:] or [keeper.problem]
        await self._stop(name)
        return {"state": "failed", "message": f"The model {name} could not be loaded: {words[0][:200]}"}

    async def _start(self, name: str) -> Answer | None:
        """Start a model's process, or say why not."""
        from apps.llm.guide import needed
        from apps.llm.local import local_model

        model = await asyncio.to_thread(local_model, self.home, name)
        if model is None:
            return {"state": "missing"}
        wanted = needed(model.size, model.context_memory)
        refusal = await self._make_room(model, wanted)
        if refusal is not None:
            return refusal
        server = LocalServer(model, wanted)
        keeper = Keeper(server, self.console)
        self.running[name] = (server, keeper)
        self.console.line("model", f"starting {name}")
        keeper.start()
        return None

    async def _make_room(self, model: LocalModel, wanted: int) -> Answer | None:
        """End models that nobody uses right now, the longest idle first, until there is memory enough."""
        from apps.core.machine import in_words, machine

        while True:
            seen = await asyncio.to_thread(machine)
            free = seen.available - sum(server.hidden for server, _ in self.running.values())
            if wanted <= ROOM * free:
                return None
            idle = [name for name, (server, _) in self.running.items() if await asyncio.to_thread(server.is_idle)]
            if not idle:
                left = in_words(max(0, free))
                said = f"{model.name} takes about {in_words(wanted)} of memory, and {left} are free."
                return {"state": "too_large", "message": said}
            await self._stop(min(idle, key=lambda name: self.running[name][0].last_used))

    async def _stop(self, name: str) -> None:
        await self.running[name][1].stop()
        del self.running[name]  # only now: what is interrupted here is ended by `close`

    async def _tidy(self) -> None:
        """End what nobody has used for a while."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            async with self._lock:
                for name, (server, _) in list(self.running.items()):
                    if time.monotonic() - server.last_used < IDLE_SECONDS:
                        continue
                    if await asyncio.to_thread(server.is_busy):
                        server.last_used = time.monotonic()
                    else:
                        await self._stop(name)
                        self.console.line("model", f"{name} was idle and has ended")

    async def _answer(self, asked: object) -> Answer:
        match asked:
            case {"model": str(name)}:
                return await self.ask(name)
            case {"end": str(name)}:
                await self.end(name)
        return {"running": list(self.running)}

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question, one answer."""
        try:
            async with asyncio.timeout(30):
                asked = json.loads(await reader.readline())
                writer.write(json.dumps(await self._answer(asked)).encode() + b"\n")
                await writer.drain()
        except (ValueError, OSError, TimeoutError):
            pass  # whoever asked has gone, or does not speak our language
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
