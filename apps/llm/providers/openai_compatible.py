"""Servers that speak OpenAI's wire: vLLM, llama.cpp, LM Studio, OpenAI itself, and Nitro's own built-in model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from apps.llm.errors import Loading, ProviderError, TimedOut
from apps.llm.events import Event
from apps.llm.messages import Call
from apps.llm.providers.base import ModelInfo, Provider, Timeouts
from apps.llm.providers.connections import PatientReader, Sessions, get_json, is_near, whole_body
from apps.llm.providers.embeddings import Embedding, Server, openai_embedding
from apps.llm.providers.failures import TRANSPORT_ERRORS, failure_of_exception, failure_of_status
from apps.llm.providers.openai_request import request_body, unwanted_field, without
from apps.llm.providers.openai_stream import CompletionStream
from apps.llm.providers.resending import resent
from apps.llm.settings import LlmSettings

DRAIN = 0.05
NAME_LIMIT = 200
CONTEXT_FIELDS = ("max_model_len", "context_window", "context_length", "max_context_length")


class OpenAICompatible(Provider):
    """One server. `llama` says that it is llama.cpp's, which has more to offer: samplers and /health."""

    def __init__(
        self,
        base_url: str,
        *,
        kind: str = "openai",
        api_key: str = "",
        llama: bool = False,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.kind = kind
        self.near = is_near(base_url)
        self.base_url = base_url.rstrip("/") if urlsplit(base_url).path.strip("/") else base_url.rstrip("/") + "/v1"
        self.where = "built-in model" if kind == "builtin" else f"model server at {_origin(base_url)}"
        self.timeouts = timeouts or Timeouts()
        self._llama = llama
        self._unwanted: dict[str, frozenset[str]] = {}
        self._headers = {"Content-Type": "application/json"}
        if api_key and not urlsplit(base_url).username:  # name and password in the address are sent instead
            self._headers["Authorization"] = f"Bearer {api_key}"
        # llama.cpp closes idle connections after five seconds, others later.
        self._sessions = Sessions(connect=self.timeouts.connect, keepalive=4.0 if llama else 15.0)

    async def stream(self, call: Call) -> AsyncGenerator[Event, None]:
        deadline = asyncio.get_running_loop().time() + self.timeouts.first
        response = await self._sent(call, deadline)
        answer = CompletionStream(self.where)
        reader = PatientReader(response, self.where, deadline=deadline, silence=self.timeouts.silence)
        try:
            if response.content_type == "application/json":
                for event in answer.whole(await self._whole(reader)):
                    yield event
            while not answer.done and answer.failure is None:
                for event in await self._next(reader, answer):
                    yield event
            if answer.failure is not None:
                raise answer.failure
            await _drain(response)
        finally:
            reader.stop()
            response.close()

    async def embed(self, model: str, texts: Sequence[str]) -> Embedding:
        server = Server(
            self._sessions.current(),
            f"{self.base_url}/embeddings",
            self.where,
            self._headers,
            self.timeouts.first,
        )
        return await openai_embedding(server, model, texts)

    async def models(self) -> list[ModelInfo]:
        return list(_models(await self._get(f"{self.base_url}/models")))

    async def ready(self) -> bool:
        url = f"{self.base_url.removesuffix('/v1')}/health" if self._llama else f"{self.base_url}/models"
        try:
            await self._get(url)
        except Loading:
            return False
        return True

    async def close(self) -> None:
        await self._sessions.close()

    async def _sent(self, call: Call, deadline: float) -> aiohttp.ClientResponse:
        """Send the request and wait for the head of its answer; raises what a bad status stands for.

        A model that does not take one of our fields is asked again without it, and is not sent it any more.
        """
        body = request_body(call, llama=self._llama)
        unwanted = self._unwanted.get(call.model, frozenset())
        try:
            async with asyncio.timeout_at(deadline):
                while True:
                    response = await self._post(_encoded(without(body, unwanted) if unwanted else body))
                    if response.status < 300:
                        return response
                    async with response:
                        raw = await whole_body(response)
                    field = unwanted_field(raw, body) if response.status == 400 else ""
                    if not field or field in unwanted:
                        raise failure_of_status(response.status, raw, response.headers, self.where)
                    unwanted = self._unwanted[call.model] = unwanted | {field}
        except TRANSPORT_ERRORS as error:
            raise failure_of_exception(error, self.where) from error

    async def _post(self, body: bytes) -> aiohttp.ClientResponse:
        url, session = f"{self.base_url}/chat/completions", self._sessions.current()
        return await resent(lambda: session.post(url, data=body, headers=self._headers, allow_redirects=False))

    async def _next(self, reader: PatientReader, answer: CompletionStream) -> list[Event]:
        """The events of the next network read; what had been finished before a break stays finished."""
        try:
            data = await reader.read()
        except ProviderError as failure:
            return answer.broken(failure)
        events = answer.feed(data) if data else answer.end()
        if events:
            reader.first_event_came()
        return events

    async def _whole(self, reader: PatientReader) -> bytes:
        parts = []
        while part := await reader.read():
            parts.append(part)
        return b"".join(parts)

    async def _get(self, url: str) -> object:
        try:
            async with asyncio.timeout(self.timeouts.connect):
                return await get_json(self._sessions.current(), url, self.where, self._headers)
        except TimeoutError as error:
            raise TimedOut(f"The {self.where} did not answer in time.") from error


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read the last bytes after the end of the answer, so that the connection can be used again."""
    with suppress(*TRANSPORT_ERRORS):
        async with asyncio.timeout(DRAIN):
            while not response.content.is_eof():
                await response.content.readany()


def _encoded(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:  # a lone surrogate
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def _origin(url: str) -> str:
    """Host and port of an address, without a password that may stand in it."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _models(listed: object) -> Iterator[ModelInfo]:
    """What `GET /models` lists; names that could not be shown or stored are left out."""
    items = listed.get("data") if isinstance(listed, dict) else None
    for item in items if isinstance(items, list) else []:
        name = item.get("id") if isinstance(item, dict) else None
        if isinstance(name, str) and name.isprintable() and 0 < len(name) <= NAME_LIMIT:
            yield _model(name, item)


def _model(name: str, item: dict[str, Any]) -> ModelInfo:
    """A model with what its server tells beyond the standard: llama.cpp in `meta`, others beside the name."""
    meta = item["meta"] if isinstance(item.get("meta"), dict) else {}
    windows = (meta.get("n_ctx"), *(item.get(field) for field in CONTEXT_FIELDS), meta.get("n_ctx_train"))
    size, count, quantisation = meta.get("size"), meta.get("n_params"), meta.get("ftype")
    return ModelInfo(
        name=name,
        context_window=next((window for window in windows if isinstance(window, int)), 0),
        size=size if isinstance(size, int) else 0,
        parameters=f"{count / 1e6:.0f}M" if isinstance(count, int) else "",
        quantisation=quantisation if isinstance(quantisation, str) else "",
    )


def openai(settings: LlmSettings) -> list[Provider]:
    """One provider for each address of OPENAI_BASE_URL."""
    return [OpenAICompatible(url, api_key=settings.openai_api_key) for url in settings.openai_base_urls]
