"""The built-in engine: the small model that Nitro brings along, and model files of the data folder.

Each model has a process of its own with llama.cpp's server in it. The small one always runs; another one is asked for
at the supervisor's socket, which starts it and says where it answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import orjson

from apps.llm.errors import Loading, ModelMissing, ProviderError, Refused, Rejected, Unreachable
from apps.llm.events import Event
from apps.llm.local import LocalModel, local_files
from apps.llm.messages import Call
from apps.llm.providers.base import ModelInfo, Provider
from apps.llm.providers.openai_compatible import OpenAICompatible
from apps.llm.settings import LlmSettings

ASK_SECONDS = 20.0
WITHOUT_TOOLS = frozenset({"smollm2"})  # it knows no form for them: they would be left out without a word
TOOLS_HINT = "Leave out 'tools', or choose a model that has been taught to call them."
START_HINT = "Start Nitro with `nitro up`, which runs the models of the data folder."
ROOM_HINT = "Close other programs, or choose a smaller model or one with fewer bits."
FILE_HINT = "The file may be damaged or too new for this version of Nitro; `nitro models list` shows all files."
GONE_HINT = "Choose another model; the files of the data folder's `models` are offered by their names."


class BuiltIn(Provider):
    """`url` is the small model's address and `name` its name, until it has told that itself; `home` is the data folder,
    `control` the supervisor's socket. Each may be ""."""

    kind = "builtin"

    def __init__(self, url: str, *, name: str = "", home: str = "", control: str = "") -> None:
        self._main = OpenAICompatible(url, kind="builtin", llama=True) if url else None
        self._name, self._home, self._control = name, Path(home), control
        self._own: frozenset[str] = frozenset()  # the names of the small model, once it has told them
        self._servers: dict[str, OpenAICompatible] = {}
        self._loading: set[str] = set()

    async def stream(self, call: Call) -> AsyncGenerator[Event, None]:
        server = await self._server(call.model)
        if call.tools and server is self._main and WITHOUT_TOOLS & {call.model, *self._own}:
            raise Rejected("The built-in model cannot call functions.", hint=TOOLS_HINT)
        async with aclosing(server.stream(call)) as events:
            async for event in events:
                yield event

    async def models(self) -> list[ModelInfo]:
        own = await self._main.models() if self._main is not None else []
        self._own = frozenset(info.name for info in own)
        if not self._control:
            return own
        files, running = await asyncio.gather(asyncio.to_thread(local_files, self._home), self._running())
        talking = [model for model in files.models if model.head.talks and model.name not in self._own]
        return own + [_info(model, loaded=model.name in running) for model in talking]

    async def ready(self) -> bool:
        waited_for = list(self._loading)
        for name in waited_for:
            try:
                await self._started(name)
            except Loading:
                return False
        return bool(waited_for) or self._main is None or await self._main.ready()

    async def close(self) -> None:
        for server in (self._main, *self._servers.values()):
            if server is not None:
                await server.close()

    async def _server(self, name: str) -> OpenAICompatible:
        """Who answers for a model; raises `Loading` while its process starts."""
        if self._main is not None and name in (self._own or {self._name}):
            return self._main
        if self._control and name in {model.name for model in (await self._files()) if model.head.talks}:
            return await self._started(name)
        if self._main is None:
            raise Unreachable("The built-in model is not running.", hint=START_HINT)
        if self._own:
            raise ModelMissing(f"The built-in engine has no model {name}.", hint=GONE_HINT)
        return self._main

    async def _files(self) -> tuple[LocalModel, ...]:
        return (await asyncio.to_thread(local_files, self._home)).models

    async def _started(self, name: str) -> OpenAICompatible:
        """The server of a model from a file. Raises `Loading`, or what stands in its way for good."""
        answer = await self._ask({"model": name})
        state, message = answer.get("state"), str(answer.get("message", ""))
        if state == "loading":
            self._loading.add(name)
            raise Loading(f"The model {name} is being loaded.")
        self._loading.discard(name)
        url = answer.get("url")
        if state == "ready" and isinstance(url, str):
            if url not in self._servers:
                self._servers[url] = OpenAICompatible(url, kind="builtin", llama=True)
            return self._servers[url]
        if state == "too_large":
            raise Refused(f"There is not enough memory: {message}", code="model_too_large", hint=ROOM_HINT)
        if state == "failed":
            raise Refused(message, code="model_broken", hint=FILE_HINT)
        raise ModelMissing(f"There is no model {name} in the data folder.", hint=GONE_HINT)

    async def _running(self) -> frozenset[str]:
        """The models from files that are in memory; none where nobody answers."""
        try:
            running = (await self._ask({})).get("running")
        except ProviderError:
            return frozenset()
        return frozenset(running) if isinstance(running, list) else frozenset()

    async def _ask(self, question: dict[str, str]) -> dict[str, object]:
        return await ask(self._control, question)


async def ask(control: str, question: dict[str, str]) -> dict[str, object]:
    """One question to the supervisor at its socket. Raises `Unreachable`."""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            reader, writer = await asyncio.open_unix_connection(control)
            try:
                writer.write(orjson.dumps(question) + b"\n")
                answer = orjson.loads(await reader.readline())
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError) as error:
        raise Unreachable("Nobody answers who could start the model.", hint=START_HINT) from error
    return answer if isinstance(answer, dict) else {}


def _info(model: LocalModel, *, loaded: bool) -> ModelInfo:
    return ModelInfo(
        name=model.name,
        context_window=model.context,
        size=model.size,
        parameters=model.parameters,
        quantisation=model.head.quantisation,
        loaded=loaded,
        abilities=frozenset({"completion"}),
    )


def from_settings(settings: LlmSettings) -> list[Provider]:
    """One engine where the small model runs, or where somebody listens who could start another one."""
    control = settings.models_socket if settings.models_socket and Path(settings.models_socket).exists() else ""
    url = settings.builtin_model_url
    if not (url or control):
        return []
    return [BuiltIn(url, name=settings.builtin_model, home=settings.home, control=control)]
