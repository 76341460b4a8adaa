"""A server that speaks Gemini's documented REST wire: a list of JSON objects, written chunk by chunk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

KEY = "AIzaSy-not-a-real-key-0123456789"
USAGE = {"promptTokenCount": 4, "candidatesTokenCount": 7, "totalTokenCount": 11}
MODELS = [
    {
        "name": "models/gemini-2.5-flash",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "someNewerField": {"that": "the library does not know"},
    },
    {"name": "models/embedding-001", "inputTokenLimit": 2048, "supportedGenerationMethods": ["embedContent"]},
]


def said(text: str = "", *, reason: str = "", **more: Any) -> dict[str, Any]:
    """One chunk with a piece of text."""
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], "modelVersion": "gemini-2.5-flash", **more}


def error(status: int, name: str, message: str, *details: dict[str, Any]) -> tuple[int, str]:
    """Status and body of an error, as Google writes it where an answer was to be streamed."""
    body = {"error": {"code": status, "message": message, "status": name, "details": list(details)}}
    return status, json.dumps([body])


GREETING = [said("Hello"), said(" you.", reason="STOP", usageMetadata=USAGE)]
NO_KEY = error(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")


@dataclass
class GeminiServer:
    """Plays `chunks` to every question, `delay` seconds apart; `refusal` takes their place. Keeps what was asked."""

    chunks: list[Any] = field(
        default_factory=lambda: [said("Hello"), said(" you.", reason="STOP", usageMetadata=USAGE)]
    )
    delay: float = 0.0
    before: float = 0.0
    tail: bytes = b"]"
    refusal: tuple[int, str] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    open_streams: int = 0
    connections: set[Any] = field(default_factory=set)
    url: str = ""

    async def __aenter__(self) -> GeminiServer:
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/v1beta/models", self._models)
        app.router.add_post("/v1beta/{model:models/.*}:streamGenerateContent", self._stream)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Take only the right key, and only where it belongs: in the header."""
        self.paths.append(request.path_qs)
        self.connections.add(request.transport)
        refusal = self.refusal if request.headers.get("x-goog-api-key") == KEY else NO_KEY
        if refusal is None:
            return await handler(request)
        return web.Response(status=refusal[0], text=refusal[1], content_type="application/json")

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"models": MODELS[: int(request.query["pageSize"])]})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        response = web.StreamResponse(headers={"Content-Type": "application/json; charset=UTF-8"})
        self.open_streams += 1
        try:
            await self._gone_or(request, self.before)
            await response.prepare(request)
            for place, chunk in enumerate(self.chunks):
                await response.write((("," if place else "[") + json.dumps(chunk, ensure_ascii=False) + "\n").encode())
                await self._gone_or(request, self.delay)
            await response.write(self.tail)
        except ConnectionError:
            pass
        finally:
            self.open_streams -= 1
        return response

    async def _gone_or(self, request: web.Request, seconds: float) -> None:
        """Wait, and notice at once when the client leaves."""
        until = asyncio.get_running_loop().time() + seconds
        while request.transport is not None and not request.transport.is_closing():
            if (rest := until - asyncio.get_running_loop().time()) <= 0:
                return
            await asyncio.sleep(min(rest, 0.01))
        raise ConnectionResetError
