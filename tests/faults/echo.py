"""A model server that answers with what it was told about its user, so that a word in the wrong place is seen."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiohttp import web

REPEATS = 40
PAUSE = 0.03


class Echo:
    """Says the system prompt, again and again, and counts how often it was asked with which."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        application = web.Application()
        application.router.add_post("/v1/chat/completions", self._answer)
        application.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(application)

    def total(self) -> int:
        """How many questions came."""
        return sum(self.asked.values())

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "echo", "object": "model"}]})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        messages = (await request.json())["messages"]
        word = next((m["content"] for m in messages if m["role"] == "system"), "nobody")
        self.asked[word] += 1
        said = messages[-1]["content"].count(word) if messages[-1]["role"] == "assistant" else 0
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with suppress(ConnectionError):  # whoever asked may hang up
            for _ in range(REPEATS - said):
                await response.write(_event({"content": f"{word} "}, None))
                await asyncio.sleep(PAUSE)
            await response.write(_event({}, "stop") + b"data: [DONE]\n\n")
        return response


def _event(delta: dict[str, Any], reason: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return b"data: " + json.dumps({"model": "echo", "choices": [choice]}).encode() + b"\n\n"
