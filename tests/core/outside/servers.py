"""Servers on loopback: one that the test allows, and a canary that nobody may ever reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


@dataclass
class Local:
    """A server that answers each path with bytes, or with whatever a function writes; it notes what it was asked."""

    answers: dict[str, bytes | Callable[[asyncio.StreamWriter], object]] = field(default_factory=dict)
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def place(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    @property
    def hits(self) -> int:
        return len(self.heads)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            if b"POST" in head[:5]:
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                self.bodies.append(await reader.readexactly(length))
            path = head.split(b" ")[1].decode()
            answer = self.answers.get(path, self.answers.get("/*", page(b"nothing")))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)  # type: ignore[misc]
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def page(body: bytes, *headers: str, media: str = "text/html; charset=utf-8") -> bytes:
    """A whole answer."""
    lines = [f"Content-Type: {media}", f"Content-Length: {len(body)}", *headers]
    return HEAD + "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def onward(location: str, status: int = 302) -> bytes:
    """A redirect."""
    return f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@asynccontextmanager
async def local(**answers: bytes | Callable[[asyncio.StreamWriter], object]) -> AsyncIterator[Local]:
    """A server with these paths, named without their slash; `root` is `/`, and `*` whatever has no answer."""
    made = Local({f"/{'' if name == 'root' else name}": answer for name, answer in answers.items()})
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
