"""A server with one file on it, which can be read from any byte on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Shelf:
    """`breaks_after` bytes of an answer the connection ends; while `going` is not set, answers stop at half.

    `ranges` are the headers that came. With `tag` "" the file's versions cannot be told apart.
    """

    content: bytes
    tag: str = '"1"'
    breaks_after: int = -1
    says: int = -1
    status: int = 200
    going: asyncio.Event = field(default_factory=asyncio.Event)
    ranges: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def place(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def url(self, path: str = "/model.gguf") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/onward/"):
            raise web.HTTPFound(self.url("/model.gguf"))
        self.ranges.append(request.headers.get("Range", ""))
        start = self._start(request)
        if start > len(self.content):
            return web.Response(status=416)
        headers = {"ETag": self.tag} if self.tag else {}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        response = web.StreamResponse(status=206 if start else self.status, headers=headers)
        response.content_length = len(self.content) - start if self.says < 0 else self.says
        await response.prepare(request)
        await self._send(response, self.content[start:], request)
        return response

    def _start(self, request: web.Request) -> int:
        found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        return int(found[1]) if found and request.headers.get("If-Range") == self.tag else 0

    async def _send(self, response: web.StreamResponse, body: bytes, request: web.Request) -> None:
        half = len(body) // 2
        await response.write(body[:half])
        await self.going.wait()
        if self.breaks_after >= 0:
            await response.write(body[half : self.breaks_after])
            assert request.transport is not None
            request.transport.close()
            return
        await response.write(body[half:])


@asynccontextmanager
async def shelf(content: bytes, **more: object) -> AsyncIterator[Shelf]:
    """Serve a file, without any hurry to hold it back."""
    made = Shelf(content, **more)  # type: ignore[arg-type]
    made.going.set()
    app = web.Application()
    app.router.add_get("/{path:.*}", made.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()
