"""A server that speaks Ollama's documented wire over a real socket, with models that only count.

python -m tests.llm.ollama_server --port 9200 --rate 20 --tokens 200
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import orjson
from aiohttp import web

WHEN = "2026-11-23T12:00:00.123456789Z"
LAYERS = (("sha256:aa", 1000), ("sha256:bb", 24))
PART = b'{"model":"%s","created_at":"%s","message":{"role":"assistant","content":"t%05d "},"done":false}\n'


@dataclass
class Held:
    """A model on the server's disk."""

    digest: str = "sha256:1"
    size: int = 2_176_178_913
    parameters: str = "3.8B"
    quantisation: str = "Q4_0"
    window: int = 131072
    abilities: tuple[str, ...] = ("completion", "tools")


def part(content: str = "", **message: Any) -> dict[str, Any]:
    """One line of an answer."""
    return {"created_at": WHEN, "message": {"role": "assistant", "content": content, **message}, "done": False}


def end(reason: str = "stop", **more: Any) -> dict[str, Any]:
    """The last line of an answer."""
    counted = {"prompt_eval_count": 7, "eval_count": 3, "total_duration": 5, "load_duration": 1, **more}
    return {**part(), "done": True, "done_reason": reason, **counted}


class OllamaServer:
    """`held` are the models, `loaded` those in memory with their context. `script` is answered instead of numbers.

    While `loading` is not set, whoever wants a model that is not loaded waits. `requests` keeps path and body.
    """

    def __init__(self, *, port: int = 0, tokens: int = 10, rate: float = 0.0) -> None:
        self.port, self.tokens, self.rate = port, tokens, rate
        self.held = {"phi3:latest": Held()}
        self.loaded: dict[str, int] = {}
        self.script: list[dict[str, Any]] = []
        self.loading = asyncio.Event()
        self.loading.set()
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.open_streams = 0
        self.connections: set[int] = set()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address to put into OLLAMA_BASE_URL."""
        return f"http://127.0.0.1:{self.port}"

    def asked(self, path: str) -> list[dict[str, Any]]:
        """The bodies that came to a path."""
        return [body for where, body in self.requests if where == path]

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._noted], client_max_size=2**26)
        app.router.add_get("/api/version", self._version)
        app.router.add_get("/api/tags", self._tags)
        app.router.add_get("/api/ps", self._ps)
        app.router.add_post("/api/show", self._show)
        app.router.add_post("/api/chat", self._chat)
        app.router.add_post("/api/pull", self._pull)
        app.router.add_delete("/api/delete", self._delete)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _noted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.read()
        self.requests.append((request.path, orjson.loads(body) if body else {}))
        self.connections.add(id(request.transport))
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _version(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"version": "0.12.0"})

    async def _tags(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"models": [_listed(name, held) for name, held in self.held.items()]})

    async def _ps(self, _: web.Request) -> web.StreamResponse:
        rows = [{**_listed(n, self.held[n]), "context_length": c, "size_vram": 0} for n, c in self.loaded.items()]
        return web.json_response({"models": rows})

    async def _show(self, request: web.Request) -> web.StreamResponse:
        held = self._found((await request.json())["model"])
        if held is None:
            return web.json_response({"error": "model not found"}, status=404)
        info = {"general.architecture": "phi3", "phi3.context_length": held.window}
        return web.json_response({"model_info": info, "capabilities": held.abilities, "details": {}})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = body["model"]
        if self._found(model) is None:
            return web.json_response({"error": f"model '{model}' not found"}, status=404)
        async with self._generating():
            if _full(model) not in self.loaded:
                await self.loading.wait()
                self.loaded[_full(model)] = body["options"].get("num_ctx", 4096)
            if not body["messages"]:
                return web.json_response({"model": model, **end("load", eval_count=0)})
            return await self._answer(request, model, body)

    async def _answer(self, request: web.Request, model: str, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        if self.script:
            await response.write(b"".join(_line({"model": model, **line}) for line in self.script))
        else:
            await self._count(response, model, min(self.tokens, body["options"].get("num_predict", self.tokens)))
        await response.write_eof()
        return response

    async def _count(self, response: web.StreamResponse, model: str, count: int) -> None:
        for number in range(1, count + 1):
            await response.write(PART % (model.encode(), WHEN.encode(), number))
            if self.rate:
                await asyncio.sleep(1 / self.rate)
        reason = "stop" if count == self.tokens else "length"
        await response.write(_line({"model": model, **end(reason, eval_count=count)}))

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        name = (await request.json())["model"]
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        async with self._generating():
            for line in self.script or list(_pulled()):
                await response.write(_line(line))
            await self.loading.wait()
        if not self.script:
            self.held[_full(name)] = Held(digest="sha256:2")
        await response.write_eof()
        return response

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        name = (await request.json())["model"]
        if self.held.pop(_full(name), None) is None:
            return web.json_response({"error": f"model '{name}' not found"}, status=404)
        return web.Response()

    def _found(self, name: str) -> Held | None:
        return self.held.get(_full(name))

    @asynccontextmanager
    async def _generating(self) -> AsyncIterator[None]:
        self.open_streams += 1
        try:
            yield
        finally:
            self.open_streams -= 1


def _full(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


def _line(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value) + b"\n"


def _listed(name: str, held: Held) -> dict[str, Any]:
    details = {"format": "gguf", "parameter_size": held.parameters, "quantization_level": held.quantisation}
    return {"name": name, "model": name, "size": held.size, "digest": held.digest, "details": details}


def _pulled() -> Iterable[dict[str, Any]]:
    yield {"status": "pulling manifest"}
    for digest, total in LAYERS:
        for completed in (0, total // 2, total):
            yield {"status": f"pulling {digest[7:]}", "digest": digest, "total": total, "completed": completed}
    yield {"status": "verifying sha256 digest"}
    yield {"status": "success"}


async def serve(port: int, tokens: int, rate: float) -> None:
    """Serve until the process ends, and say when it begins."""
    async with OllamaServer(port=port, tokens=tokens, rate=rate) as server:
        print(server.url, flush=True)  # noqa: T201
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20.0, help="tokens per second and stream; 0 is unlimited")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.tokens, given.rate))


if __name__ == "__main__":
    main()
