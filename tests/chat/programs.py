"""A program with a key, at the whole application: it sends requests and hears answers piece by piece."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from asgiref.testing import ApplicationCommunicator

from apps.accounts.sockets import AsgiScope
from nitro.handler import OneThreadHandler
from nitro.routing import build

PATIENCE = 30.0
COMPLETIONS = "/v1/chat/completions"


@dataclass
class Heard:
    """An answer."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The events of a stream, without the comments; `[DONE]` stays a text."""
        lines = [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]
        return [line if line == "[DONE]" else json.loads(line) for line in lines]

    @property
    def words(self) -> str:
        """The words of a stream of OpenAI's form."""
        choices = [event["choices"][0] for event in self.events if isinstance(event, dict) and event.get("choices")]
        return "".join(choice["delta"].get("content") or "" for choice in choices)


class Call:
    """One request, from its beginning to its end."""

    def __init__(self, scope: AsgiScope) -> None:
        untyped: Any = ApplicationCommunicator
        self.line = untyped(build(OneThreadHandler()), scope)
        self.heard = Heard()

    async def send(self, body: bytes) -> None:
        await self.line.send_input({"type": "http.request", "body": body, "more_body": False})

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes; the head is in `heard` from the first piece on."""
        more = True
        while more:
            message = await self.line.receive_output(timeout=PATIENCE)
            if message["type"] == "http.response.start":
                self.heard.status = message["status"]
                self.heard.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
                continue
            self.heard.body += message.get("body", b"")
            more = message.get("more_body", False)
            yield message.get("body", b"")

    async def whole(self) -> Heard:
        async for _ in self.pieces():
            pass
        await self.line.wait(timeout=PATIENCE)
        return self.heard

    async def leave(self) -> None:
        """Hang up, and wait until the application has noticed."""
        await self.line.send_input({"type": "http.disconnect"})
        await self.line.wait(timeout=PATIENCE)


def scope_of(path: str, key: str, headers: Mapping[str, str], query: str = "") -> AsgiScope:
    given = {"host": "localhost", "content-type": "application/json"} | dict(headers)
    if key:
        given["authorization"] = f"Bearer {key}"
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }


async def begin(path: str, body: Any, key: str, *, query: str = "", headers: Mapping[str, str] | None = None) -> Call:
    """Send a request; JSON, or bytes as they are."""
    call = Call(scope_of(path, key, headers or {}, query))
    await call.send(body if isinstance(body, bytes) else json.dumps(body).encode())
    return call


async def post(path: str, body: Any, key: str, *, query: str = "", headers: Mapping[str, str] | None = None) -> Heard:
    """Send a request and hear all of its answer."""
    return await (await begin(path, body, key, query=query, headers=headers)).whole()


async def until(true: Any) -> None:
    """Wait for something that comes about by itself."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.01)
