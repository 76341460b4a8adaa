"""A server that plays recorded bytes: whatever another program might answer, to the letter."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

TLS_HELLO = b"\x16"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def answer(status: int, body: bytes, *headers: str, media: str = "application/json") -> bytes:
    """A whole HTTP answer, after which the connection is closed: who was not told would ask over it once more."""
    lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {media}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "Connection: close"]).encode() + b"\r\n\r\n" + body


def data(*lines: str) -> bytes:
    """Lines of an event stream."""
    return b"".join(f"data: {line}\n\n".encode() for line in lines)


def token(text: str) -> str:
    """One chunk with a piece of text, which is taken as the inside of a JSON string."""
    return f'{{"choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}'


STOP = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'


async def request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of a question, to its end; the first record where it is one of TLS.

    Who closes a connection with bytes in it that were not read resets it, and its client may lose the answer's end.
    """
    first = await reader.read(1)
    if first == TLS_HELLO:
        start = first + await reader.readexactly(4)
        return start, await reader.readexactly(int.from_bytes(start[3:], "big"))
    head = first + await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: ([0-9]+)", head)
    return head, await reader.readexactly(int(length[1]) if length else 0)


@dataclass
class Recording:
    """What is played, one entry per connection (the last one again and again), and what was asked."""

    parts: Sequence[Sequence[bytes]]
    reset: bool = False
    hold: bool = False
    url: str = ""
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    players: dict[asyncio.Task[Any], asyncio.StreamWriter] = field(default_factory=dict)

    async def end(self) -> None:
        """Let go of all connections: Python's server waits for none, and some have bytes that nobody will take."""
        for player, writer in self.players.items():
            player.cancel()
            writer.transport.abort()
        await asyncio.gather(*self.players, return_exceptions=True)
        await asyncio.sleep(0.02)  # transports that were let go say so in the next rounds of the loop

    async def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection, and know that it is there."""
        player = asyncio.current_task()
        assert player is not None
        self.players[player] = writer
        await self.play(reader, writer)

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        self.connections += 1
        try:
            head, body = await request(reader)
            self.heads.append(head)
            self.bodies.append(body)
            for part in self.parts[min(self.connections, len(self.parts)) - 1]:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.002)
            if self.hold:
                await reader.read(-1)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            if self.reset:
                writer.transport.abort()
            writer.close()


@asynccontextmanager
async def playing(*parts: bytes, reset: bool = False, hold: bool = False) -> AsyncIterator[Recording]:
    """Play these parts to every connection, then close it, `reset` it, or `hold` it open until the client leaves."""
    async with recorded(Recording([parts], reset=reset, hold=hold)) as recording:
        yield recording


@asynccontextmanager
async def recorded(recording: Recording) -> AsyncIterator[Recording]:
    """Serve a recording."""
    server = await asyncio.start_server(recording.welcome, "127.0.0.1", 0)
    recording.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield recording
    finally:
        server.close()
        await server.wait_closed()
        await recording.end()
