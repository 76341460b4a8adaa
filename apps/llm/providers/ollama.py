"""Ollama: models on this machine or another one, asked through the `ollama` package."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from apps.llm.errors import Loading, ProviderError, Refused, Rejected, TimedOut
from apps.llm.events import Event
from apps.llm.messages import Call
from apps.llm.providers.base import ModelInfo, Provider, Timeouts
from apps.llm.providers.connections import Sessions, get_json, is_near
from apps.llm.providers.embeddings import Embedding, Server, ollama_embedding
from apps.llm.providers.ollama_failures import hinted
from apps.llm.providers.ollama_memory import Memory, plain
from apps.llm.providers.ollama_request import KEEP_ALIVE, chat_arguments, tokens_needed
from apps.llm.providers.ollama_stream import ChatStream, Pulling, PullProgress
from apps.llm.settings import LlmSettings

if TYPE_CHECKING:
    from ollama import AsyncClient

    from apps.llm.providers.ollama_client import Wire

CLIENT = "apps.llm.providers.ollama_client"
LOAD_PATIENCE = 300.0  # seconds that a model may take to be read from a slow disk


class Ollama(Provider):
    """One Ollama server.

    A model that is known to be cold is loaded in the background while `ready()` says no: reading it may take longer
    than anybody waits for a first word, and a question that is taken back could take the load with it.
    """

    kind = "ollama"

    def __init__(self, base_url: str, *, timeouts: Timeouts | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.near = is_near(base_url)
        parts = urlsplit(base_url)
        self.where = f"Ollama server at {parts.hostname}" + (f":{parts.port}" if parts.port else "")
        self.timeouts = timeouts or Timeouts()
        self.memory = Memory()
        self._sessions = Sessions(connect=self.timeouts.connect, keepalive=15.0)
        self._warming: dict[str, asyncio.Task[None]] = {}

    async def stream(self, call: Call) -> AsyncGenerator[Event, None]:
        num_ctx = self.memory.context_for(call.model, tokens_needed(call))
        self._refuse_while_cold(call.model, num_ctx)
        answer = ChatStream(self.where)
        library = await self._library()
        async with self._client(self.timeouts.first, self.timeouts.silence, keep_body=True) as (client, wire):
            with library.wall(self.where, call.model):
                await self._send(client, call, num_ctx)
            while not answer.done and answer.failure is None:
                for event in await _next(wire, answer):
                    yield event
            if answer.failure is not None:
                raise answer.failure
            self.memory.is_loaded(call.model, num_ctx)
            await wire.drain()

    async def embed(self, model: str, texts: Sequence[str]) -> Embedding:
        server = Server(self._sessions.current(), f"{self.base_url}/api/embed", self.where, {}, self.timeouts.first)
        return await ollama_embedding(server, model, texts)

    async def models(self) -> list[ModelInfo]:
        library = await self._library()
        async with self._client(self.timeouts.connect) as (client, _):
            with library.wall(self.where):
                listed, running = await client.list(), await client.ps()
                self.memory.remember(listed, running)
                for name in self.memory.unknown():
                    self.memory.learn(name, await client.show(name))
        return self.memory.models()

    async def ready(self) -> bool:
        for name, task in list(self._warming.items()):
            if not task.done():
                return False
            del self._warming[name]
            task.result()
        await self._knock()
        return True

    async def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Fetch a model, telling how far it is; the last status is `success`. Raises a `ProviderError`.

        Closing the generator stops the download; Ollama keeps what it has, and goes on from there the next time.
        """
        library = await self._library()
        pulling = Pulling()
        async with self._client(self.timeouts.silence) as (client, wire):
            with library.wall(self.where, name):
                parts: Any = await client.pull(_speakable(name), stream=True)
            async with aclosing(parts):
                while True:
                    with library.wall(self.where, name):
                        part = await anext(parts, None)
                    if part is None:
                        break
                    wire.first_event_came()
                    yield pulling.take(part)
        pulling.check(self.where)

    async def remove(self, name: str) -> None:
        """Delete a model from the server's disk. Raises a `ProviderError`."""
        library = await self._library()
        async with self._client(self.timeouts.first) as (client, _):
            with library.wall(self.where, name):
                await client.delete(_speakable(name))

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        for name, task in list(self._warming.items()):
            if task.get_loop() is loop:
                del self._warming[name]
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._sessions.close()

    async def _send(self, client: AsyncClient, call: Call, num_ctx: int) -> None:
        """Send the question through the package, which sees an empty answer: the wire keeps the real one for us."""
        try:
            parts: Any = await client.chat(stream=True, **chat_arguments(call, num_ctx))
        except ValueError as error:  # the package looks at the request before it is sent
            raise Rejected(f"The {self.where} cannot be asked like that.") from error
        try:
            await anext(parts, None)
        except TimedOut:
            self.memory.is_cold(call.model)
            raise

    def _refuse_while_cold(self, model: str, num_ctx: int) -> None:
        """Raise `Loading` for a model that is not in the server's memory, and have it loaded."""
        name = plain(model)
        task = self._warming.get(name)
        if (task is None or task.done()) and self.memory.is_known_cold(name):
            task = self._warming[name] = asyncio.create_task(self._warm(model, num_ctx))
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # told by `ready`, if asked
        if task is not None and not task.done():
            raise Loading(f"The {self.where} is reading the model {name} from its disk.")

    async def _warm(self, model: str, num_ctx: int) -> None:
        """A chat without messages only loads the model, with the context that the answer will want."""
        library = await self._library()
        options = {"num_ctx": num_ctx} if num_ctx else {}
        self.memory.is_loaded(model, num_ctx)  # whatever becomes of it, the next question is asked in earnest
        async with self._client(LOAD_PATIENCE) as (client, _):
            with library.wall(self.where, model):
                await client.chat(model, [], options=options, keep_alive=KEEP_ALIVE)

    @asynccontextmanager
    async def _client(
        self, first: float, silence: float = 60.0, *, keep_body: bool = False
    ) -> AsyncIterator[tuple[AsyncClient, Wire]]:
        """A client of the package whose requests travel through our own connections, with our own patience."""
        library = await self._library()
        session = self._sessions.current()
        wire: Wire = library.Wire(session, self.where, first=first, silence=silence, keep_body=keep_body)
        async with library.client(self.base_url, wire) as client:
            yield client, wire

    async def _library(self) -> ModuleType:
        """What needs the package; where nobody answers it is not even loaded."""
        if _Loaded.module is None:
            await self._knock()
        return await load_library()

    async def _knock(self) -> None:
        try:
            async with asyncio.timeout(self.timeouts.connect):
                await get_json(self._sessions.current(), f"{self.base_url}/api/version", self.where, {})
        except TimeoutError as error:
            raise TimedOut(f"The {self.where} did not answer in time.") from error
        except ProviderError as failure:
            raise hinted(failure) from failure.__cause__


async def _next(wire: Wire, answer: ChatStream) -> list[Event]:
    """The events of the next network read; words that came before a failure are among them."""
    try:
        data = await wire.read()
    except ProviderError as failure:
        return answer.broken(failure)
    events = answer.feed(data) if data else answer.end()
    if events:
        wire.first_event_came()
    return events


class _Loaded:
    """The module over the package, once it was imported."""

    module: ModuleType | None = None


async def load_library() -> ModuleType:
    """Import the `ollama` package in a thread: it takes about a second, during which the loop goes on."""
    if _Loaded.module is None:
        _Loaded.module = await asyncio.to_thread(import_module, CLIENT)
    return _Loaded.module


def _speakable(name: str) -> str:
    if not (name and len(name) <= 200 and name.isprintable()):
        raise Refused("No model has a name like that.", hint="Names look like llama3.2 or phi3:mini.")
    return name


def from_settings(settings: LlmSettings) -> list[Provider]:
    """The server of OLLAMA_BASE_URL."""
    return [Ollama(settings.ollama_base_url)] if settings.ollama_base_url else []
