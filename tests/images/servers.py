"""Servers that speak the documented wires of image engines, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.images.engines import picture

GEMINI_KEY = "AIzaSy-not-a-real-key-0123456789"


@dataclass
class Server:
    """Answers on a port of its own; `refusal` is a status and a body that take the answer's place."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refusal: tuple[int, Any] | None = None
    url: str = ""
    hold: bool = False
    holding: asyncio.Event = field(default_factory=asyncio.Event)

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 24)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def note(self, request: web.Request) -> dict[str, Any]:
        asked: dict[str, Any] = await request.json()
        self.asked.append(asked)
        self.headers.append(dict(request.headers))
        return asked

    def refused(self) -> web.Response | None:
        if self.refusal is None:
            return None
        status, body = self.refusal
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, content_type="application/json")


@dataclass
class StableDiffusion(Server):
    """AUTOMATIC1111: draws while `progress` rises, until it is interrupted; draws at once unless it is to `hold`."""

    progress: float = 0.0
    interrupted: asyncio.Event = field(default_factory=asyncio.Event)
    tells: bool = True

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/sdapi/v1/txt2img", self.draw),
            web.get("/sdapi/v1/progress", self.tell),
            web.post("/sdapi/v1/interrupt", self.interrupt),
        ]

    async def draw(self, request: web.Request) -> web.Response:
        asked = await self.note(request)
        if (refused := self.refused()) is not None:
            return refused
        self.holding.set()
        while self.hold and not self.interrupted.is_set():
            await asyncio.sleep(0.01)
        content = picture((9, 9, 99), (asked["width"], asked["height"]))
        image = base64.b64encode(content).decode()
        return web.json_response({"images": [image], "parameters": asked, "info": json.dumps({"seed": asked["seed"]})})

    async def tell(self, request: web.Request) -> web.Response:
        if not self.tells:
            return web.json_response({"detail": "Not Found"}, status=404)
        wanted = self.progress and request.query.get("skip_current_image") != "true"
        sketch = base64.b64encode(picture(size=(8, 8))).decode() if wanted else None
        state = {"sampling_step": 3, "sampling_steps": 20, "interrupted": False}
        return web.json_response(
            {"progress": self.progress, "eta_relative": 1.0, "state": state, "current_image": sketch, "textinfo": None}
        )

    async def interrupt(self, request: web.Request) -> web.Response:
        self.interrupted.set()
        return web.json_response({})


@dataclass
class OpenAI(Server):
    """OpenAI's endpoint for pictures; `by_address` answers with the address of the picture instead of its bytes."""

    by_address: str = ""
    late: bytes = b""  # what of the file comes a moment after its beginning

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/images/generations", self.draw), web.get("/files/one.png", self.file)]

    async def draw(self, request: web.Request) -> web.Response:
        await self.note(request)
        if (refused := self.refused()) is not None:
            return refused
        if self.by_address:
            return web.json_response({"created": 1, "data": [{"url": self.by_address.format(self.url)}]})
        return web.json_response({"created": 1, "data": [{"b64_json": base64.b64encode(picture()).decode()}]})

    async def file(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/png"})
        await response.prepare(request)
        await response.write(picture())
        await asyncio.sleep(0.1)
        await response.write(self.late)
        return response


@dataclass
class Gemini(Server):
    """Gemini's REST wire for pictures."""

    parts: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"text": "Here it is."},
            {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(picture()).decode()}},
        ]
    )

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1beta/{model:models/.*}:generateContent", self.draw)]

    async def draw(self, request: web.Request) -> web.Response:
        await self.note(request)
        if request.headers.get("x-goog-api-key") != GEMINI_KEY:
            error = {
                "code": 403,
                "message": "Method doesn't allow unregistered callers.",
                "status": "PERMISSION_DENIED",
            }
            return web.json_response({"error": error}, status=403)
        if (refused := self.refused()) is not None:
            return refused
        self.holding.set()
        while self.hold:
            await asyncio.sleep(0.01)
        candidate = {"content": {"role": "model", "parts": self.parts}, "finishReason": "STOP", "index": 0}
        return web.json_response({"candidates": [candidate]})
