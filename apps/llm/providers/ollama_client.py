"""The `ollama` package over our own connections. The only module that imports it; `ollama.py` does so at first use."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import unquote, urlsplit

import aiohttp
import httpx
from ollama import AsyncClient, ResponseError

from apps.llm.errors import Garbled, ModelMissing, ProviderError
from apps.llm.providers.connections import PatientReader, whole_body
from apps.llm.providers.failures import (
    TRANSPORT_ERRORS,
    excerpt,
    failure_in_stream,
    failure_of_exception,
    failure_of_status,
)
from apps.llm.providers.ollama_failures import hinted
from apps.llm.providers.resending import resent

DRAIN = 0.05
PASSED_ON = ("authorization", "content-type", "accept", "user-agent")
WRONG_SHAPE = (ValueError, TypeError, AttributeError, RecursionError)
NO_SUCH_MODEL = re.compile(r"file does not exist|model\b.*\bnot found", re.I)


class Wire(httpx.AsyncBaseTransport):
    """httpx's public seam for transports: aiohttp underneath, with a limit for the first event and for silence.

    It raises our own errors, which pass through httpx and the package as they are. With `keep_body` the package gets
    an empty answer and `read` the real one: the package's own reading costs more than all the rest of a token's way,
    and takes U+0085, U+2028 and U+2029 inside of a text for the ends of lines.
    """

    def __init__(
        self, session: aiohttp.ClientSession, where: str, *, first: float, silence: float, keep_body: bool = False
    ) -> None:
        self.where = where
        self._session, self._first, self._silence, self._keep_body = session, first, silence, keep_body
        self._response: aiohttp.ClientResponse | None = None
        self._reader: PatientReader | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        deadline = asyncio.get_running_loop().time() + self._first
        body = await request.aread()
        await self.aclose()
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._sent(request, body)
                if response.status >= 300:
                    async with response:
                        raw = await whole_body(response)
                    raise failure_of_status(response.status, raw, response.headers, self.where)
        except TRANSPORT_ERRORS as error:
            raise failure_of_exception(error, self.where) from error
        self._response = response
        self._reader = PatientReader(response, self.where, deadline=deadline, silence=self._silence)
        if self._keep_body:
            return httpx.Response(response.status, content=b"")
        return httpx.Response(response.status, stream=Body(self))

    async def read(self) -> bytes:
        """The next bytes of the answer, empty at its end. Raises a `ProviderError`."""
        return await self._reader.read() if self._reader is not None else b""

    def first_event_came(self) -> None:
        """From now on only silence counts."""
        if self._reader is not None:
            self._reader.first_event_came()

    async def drain(self) -> None:
        """Read the last bytes after the end of the answer, so that the connection can be used again."""
        if self._response is None:
            return
        with suppress(*TRANSPORT_ERRORS):
            async with asyncio.timeout(DRAIN):
                while not self._response.content.is_eof():
                    await self._response.content.readany()

    async def aclose(self) -> None:
        """Close the connection where the answer has not ended; the server then stops."""
        if self._reader is not None:
            self._reader.stop()
        if self._response is not None:
            self._response.close()

    async def _sent(self, request: httpx.Request, body: bytes) -> aiohttp.ClientResponse:
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        return await resent(
            lambda: self._session.request(
                request.method, str(request.url), data=body, headers=headers, allow_redirects=False
            )
        )


class Body(httpx.AsyncByteStream):
    """An answer that the package reads itself."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        if data := await self._wire.read():
            return data
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await self._wire.aclose()


def client(base_url: str, wire: Wire) -> AsyncClient:
    """A client for one exchange after the other. Name and password in the address are sent, which the package drops."""
    parts = urlsplit(base_url)
    headers = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    return AsyncClient(base_url, transport=wire, follow_redirects=False, trust_env=False, headers=headers)


@contextmanager
def wall(where: str, model: str = "") -> Iterator[None]:
    """Whatever the package raises leaves as one of our errors, with hints that fit Ollama."""
    try:
        yield
    except (ProviderError, ResponseError, *WRONG_SHAPE) as error:
        failure = hinted(_translated(error, where), model)
        raise failure from (error if failure is not error else error.__cause__)


def _translated(error: Exception, where: str) -> ProviderError:
    if isinstance(error, ProviderError):
        return error
    if not isinstance(error, ResponseError):
        return Garbled(f"The {where} sent something that is not an answer: {excerpt(str(error))}")
    said = str(error.error)
    if NO_SUCH_MODEL.search(said):
        return ModelMissing(f"The {where} says: {excerpt(said)}")
    return failure_in_stream(said, where)
