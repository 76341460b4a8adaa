"""A proxy between Nitro and one of its services that can refuse, hang and cut: faults of the network on demand."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Literal

Mode = Literal["up", "refuse", "hang", "reset"]
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: close with RST


class Proxy:
    """Listens on loopback and passes on to a unix socket, in a thread of its own.

    `refuse` closes what is open and what comes, `reset` does so with an RST, and `hang` accepts and says nothing.
    """

    def __init__(self, upstream: Path) -> None:
        self.upstream = upstream
        self.mode: Mode = "up"
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self._begin())

    def set(self, mode: Mode) -> None:
        """From now on behave so, to connections that are open as well."""
        self._call(self._set(mode))

    def close(self) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: object) -> None:
        future: Future[None] = asyncio.run_coroutine_threadsafe(work, self._loop)  # type: ignore[arg-type]
        future.result(10)

    async def _begin(self) -> None:
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._server.close()
        await self._set("refuse")
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _set(self, mode: Mode) -> None:
        self.mode = mode
        (self._flowing.clear if mode == "hang" else self._flowing.set)()
        if mode in {"refuse", "reset"}:
            for writer in list(self._writers):
                self._cut(writer)

    def _cut(self, writer: asyncio.StreamWriter) -> None:
        wire = writer.get_extra_info("socket")
        if self.mode == "reset" and wire.family != socket.AF_UNIX:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode in {"refuse", "reset"}:
            self._cut(writer)
            return
        opened = [writer]
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):  # asyncio logs connections that end cancelled
            await self._flowing.wait()
            far_reader, far_writer = await asyncio.open_unix_connection(str(self.upstream))
            opened.append(far_writer)
            self._writers.add(far_writer)
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        for each in opened:
            self._writers.discard(each)
            each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What comes in goes out, until one side is gone."""
        try:
            while data := await reader.read(65_536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
