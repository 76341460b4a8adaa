"""Ollama's stand-in in a thread of its own, for commands that bring their own event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from tests.llm.ollama_server import OllamaServer

T = TypeVar("T")
SECONDS = 30.0


class OllamaThread:
    """A running server and its loop."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self.run(self._started())

    async def _started(self) -> OllamaServer:
        server = OllamaServer(port=self.port)
        return await server.__aenter__()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the server's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(SECONDS)

    def do(self, action: Callable[[], object]) -> None:
        """Call something in the server's loop; returns at once."""
        self.loop.call_soon_threadsafe(action)

    def close(self) -> None:
        self.run(self.server.__aexit__())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(SECONDS)
        self.loop.close()


@contextmanager
def ollama_thread(port: int = 0) -> Iterator[OllamaThread]:
    made = OllamaThread(port)
    try:
        yield made
    finally:
        made.close()
