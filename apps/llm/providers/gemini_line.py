"""A blocking answer, read in a thread of its own: an async generator here, with a connection that can be cut there."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing, suppress
from contextvars import ContextVar
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

Piece = TypeVar("Piece")

BUFFER = 32  # pieces that wait at most for a slow reader; then the thread, and with it the server, waits
DRAIN = 0.05

_reading: ContextVar[Line[Any] | None] = ContextVar("reading", default=None)
_owners: WeakKeyDictionary[socket.socket, Line[Any]] = WeakKeyDictionary()
_owning = threading.Lock()


class Line(Generic[Piece]):
    """One answer. `source` runs in the thread; what it yields arrives in `pieces`, what it raises is raised there.

    The thread is a daemon and not of a pool: a server that keeps silent holds up neither another answer nor the end
    of the process.
    """

    def __init__(self, source: Callable[[], Generator[Piece, None, None]]) -> None:
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._arrived: asyncio.Queue[Piece | Exception | None] = asyncio.Queue()
        self._room = threading.Semaphore(BUFFER)
        self._ended = asyncio.Event()
        self.cut = False

    async def pieces(self, *, first: float, silence: float) -> AsyncGenerator[Piece, None]:
        """What arrives. Raises `TimeoutError` when the first or the next piece takes longer than these seconds.

        Closing the generator cuts the connection.
        """
        threading.Thread(target=self._read, name="gemini", daemon=True).start()
        try:
            patience = first
            while (piece := await self._next(patience)) is not None:
                yield piece
                patience = silence
        finally:
            self._cut()

    async def drained(self) -> None:
        """Give the last bytes a moment to arrive, so that the connection can be used again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN):
                await self._ended.wait()

    def own(self, connection: socket.socket) -> None:
        """The answer comes over this connection now; called in the thread."""
        with _owning:
            _owners[connection] = self
            if self.cut:
                _shut(connection)

    async def _next(self, patience: float) -> Piece | None:
        async with asyncio.timeout(patience):
            piece = await self._arrived.get()
        self._room.release()
        if isinstance(piece, Exception):
            raise piece
        return piece

    def _cut(self) -> None:
        """Wake the thread wherever it waits. A connection that went on to another answer is left alone."""
        with _owning:
            self.cut = True
            for connection, owner in list(_owners.items()):
                if owner is self:
                    del _owners[connection]
                    if not self._ended.is_set():
                        _shut(connection)
        self._room.release()

    def _read(self) -> None:
        _reading.set(self)
        end: Exception | None = None
        try:
            with closing(self._source()) as source:
                for piece in source:
                    self._room.acquire()
                    if self.cut or not self._tell(self._arrived.put_nowait, piece):
                        return
        except Exception as error:  # noqa: BLE001 - a thread has nobody above it: it is raised again in the loop
            end = error
        finally:
            self._tell(self._arrived.put_nowait, end)
            self._tell(self._ended.set)

    def _tell(self, what: Callable[..., object], *args: object) -> bool:
        """Do something in the loop; False where the loop has been closed."""
        try:
            self._loop.call_soon_threadsafe(what, *args)
        except RuntimeError:
            return False
        return True


def connected(connection: socket.socket) -> None:
    """Tell the line that reads in this thread, if any, over which connection its answer comes."""
    line = _reading.get()
    if line is not None:
        line.own(connection)


async def the_only(line: Line[Piece], *, patience: float) -> Piece:
    """The first piece of an answer that has just one."""
    async with aclosing(line.pieces(first=patience, silence=patience)) as pieces:
        return await anext(pieces)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        # Not the method of a TLS socket: that one would first forget the cipher under the reading thread's hands.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
