"""Texts become vectors over both wires, and every way in which that fails is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web

from apps.llm.errors import Garbled, ModelMissing, ProviderError, Refused, Rejected, Unreachable
from apps.llm.providers.base import Provider
from apps.llm.providers.ollama import Ollama
from apps.llm.providers.openai_compatible import OpenAICompatible
from apps.llm.providers.scripted import Scripted
from apps.llm.router import Router
from apps.llm.settings import LlmSettings
from tests.llm.wire import Recording, recorded


class Server:
    """Answers both wires; `reply` takes the place of the sound answer."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.reply: tuple[int, bytes] | None = None
        self.url = ""

    async def openai(self, request: web.Request) -> web.Response:
        texts = await self._take(request)
        data = [{"index": place, "embedding": [float(len(text)), 0.5]} for place, text in enumerate(texts)]
        return self._answer({"data": data[::-1], "usage": {"prompt_tokens": 7}})

    async def ollama(self, request: web.Request) -> web.Response:
        texts = await self._take(request)
        return self._answer({"embeddings": [[float(len(text)), 0.5] for text in texts], "prompt_eval_count": 7})

    async def _take(self, request: web.Request) -> list[str]:
        self.asked.append(await request.json())
        texts: list[str] = self.asked[-1]["input"]
        return texts

    def _answer(self, sound: dict[str, Any]) -> web.Response:
        status, raw = self.reply or (200, orjson.dumps(sound))
        return web.Response(status=status, body=raw, content_type="application/json")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one, app = Server(), web.Application()
    app.add_routes([web.post("/v1/embeddings", one.openai), web.post("/api/embed", one.ollama)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield one
    await runner.cleanup()


@pytest.fixture(params=["openai", "ollama"])
async def provider(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Provider]:
    one: Provider = OpenAICompatible(server.url) if request.param == "openai" else Ollama(server.url)
    yield one
    await one.close()


async def test_each_text_has_its_vector_in_order(provider: Provider, server: Server) -> None:
    made = await provider.embed("small", ["a", "bb"])
    assert ([list(vector) for vector in made.vectors], made.tokens) == ([[1.0, 0.5], [2.0, 0.5]], 7)
    assert server.asked[0]["model"] == "small"


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"data": [], "embeddings": []}', b'{"data": [{"embedding": "x"}]}']
)
async def test_what_are_no_vectors_is_garbled(provider: Provider, server: Server, raw: bytes) -> None:
    server.reply = 200, raw
    with pytest.raises(Garbled):
        await provider.embed("small", ["a"])


@pytest.mark.parametrize(("status", "kind"), [(404, ModelMissing), (400, Rejected), (500, ProviderError)])
async def test_a_bad_status_is_what_it_stands_for(
    provider: Provider, server: Server, status: int, kind: type[ProviderError]
) -> None:
    said = {404: "model 'small' not found", 400: "the input is too odd", 500: "out of memory"}[status]
    server.reply = status, orjson.dumps({"error": {"message": said}})
    with pytest.raises(kind):
        await provider.embed("small", ["a"])


async def test_a_server_that_is_away_is_unreachable() -> None:
    provider = OpenAICompatible("http://127.0.0.1:9")
    with pytest.raises(Unreachable):
        await provider.embed("small", ["a"])
    await provider.close()


async def test_an_idle_connection_that_the_server_closed_is_replaced() -> None:
    body = b'{"data": [{"index": 0, "embedding": [0.5]}]}'
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    async with recorded(Recording([[whole]])) as server:
        provider = OpenAICompatible(server.url)
        for _ in range(3):
            assert (await provider.embed("bge", ["one"])).vectors == [[0.5]]
        await provider.close()


async def test_the_router_asks_the_kind_that_was_chosen(provider: Provider) -> None:
    router = Router(LlmSettings(ai_model=provider.kind, kinds=(provider.kind,)), {provider.kind: [provider]})
    made = await router.embed(router.resolve(f"{provider.kind}:small"), ["abc"])
    assert (made.model, list(made.vectors[0])) == ("small", [3.0, 0.5])


async def test_a_wire_without_embeddings_says_so() -> None:
    with pytest.raises(Refused, match="no embeddings"):
        await Scripted().embed("numbers", ["a"])
