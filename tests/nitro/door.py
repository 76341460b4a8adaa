"""A real web process with a tiny application, for tests of the door: `python -m tests.nitro.door --fd N …`."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

import uvloop

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

MB = 1024 * 1024


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Counts bodies, echoes frames, and pours data on demand."""
    if scope["type"] == "websocket":
        await sockets(scope["path"], receive, send)
    elif scope["type"] == "http":
        await pages(scope, receive, send)


async def pages(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """/pour streams 200 MB, /crash fails, /slow pauses in its body, /busy has status 429; else the body's size."""
    if scope["path"] == "/crash":
        raise ValueError("on purpose")
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        size, more = size + len(message["body"]), message["more_body"]
    status = 429 if scope["path"] == "/busy" else 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    if scope["path"] == "/slow":
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await asyncio.sleep(1)
    if scope["path"] == "/pour":
        for _ in range(3200):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
    await send({"type": "http.response.body", "body": str(size).encode()})


async def sockets(path: str, receive: Any, send: Any) -> None:
    """/echo echoes, /pour sends 200 MB, /small sends the given number of small frames."""
    await receive()
    await send({"type": "websocket.accept"})
    if path == "/pour":
        for _ in range(3200):
            await send({"type": "websocket.send", "bytes": b"x" * 65_536})
        await send({"type": "websocket.close"})
        return
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text") or ""
        if text.startswith("small "):
            for number in range(int(text.split()[1])):
                await send({"type": "websocket.send", "text": small_frame(number)})
                await asyncio.sleep(0)
        elif text == "crash":
            raise ValueError("on purpose")
        else:
            await send({"type": "websocket.send", "text": text})


def small_frame(number: int) -> str:
    """A frame such as the chat sends."""
    return f'{{"type":"delta","turn":"0197-3f2a","seq":{number},"text":" token"}}'


async def drain(seconds: float) -> None:
    """Nothing runs here beside the connections."""


def main() -> None:
    """Serve."""
    from nitro.web.server import Server

    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--family", type=int, required=True)
    parser.add_argument("--stall", type=float, default=30.0)
    parser.add_argument("--tls", type=Path, nargs=2)
    given = parser.parse_args()
    tls = tuple(given.tls) if given.tls else None
    limits: dict[str, Any] = {"body_limit": 8 * MB, "stall_seconds": given.stall}
    Server(application, fd=given.fd, family=given.family, drain=drain, tls=tls, **limits).run()


if __name__ == "__main__":
    main()
