"""What every provider promises, tried on each of them: a new one adds itself to `subject`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest

from apps.llm.events import Finished, TextDelta, Usage
from apps.llm.providers.base import Provider
from apps.llm.providers.gemini import Gemini, library
from apps.llm.providers.ollama import Ollama
from apps.llm.providers.openai_compatible import OpenAICompatible
from apps.llm.providers.scripted import Script, Scripted, numbered
from benchmarks.standin import StandIn
from tests.llm.asking import collect, question, text_of, until
from tests.llm.gemini_server import KEY, USAGE, GeminiServer, said
from tests.llm.ollama_server import OllamaServer


@dataclass
class Subject:
    """A provider with a model that answers long enough to be stopped; `idle` says whether its server is at rest."""

    provider: Provider
    model: str
    idle: Callable[[], Awaitable[bool]]


@asynccontextmanager
async def scripted(_: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    provider = Scripted(Script(tokens=numbered(200), delay=0.005))

    async def idle() -> bool:
        return provider.running == 0

    yield Subject(provider, "numbers", idle)


@asynccontextmanager
async def openai(_: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    async with StandIn(tokens=200, rate=200) as server:

        async def idle() -> bool:
            return server.stats.open_streams == 0

        yield Subject(OpenAICompatible(server.url), "stand-in", idle)


@asynccontextmanager
async def ollama(_: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    async with OllamaServer(tokens=200, rate=200) as server:

        async def idle() -> bool:
            return server.open_streams == 0

        yield Subject(Ollama(server.url), "phi3", idle)


@asynccontextmanager
async def gemini(_: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    library()
    chunks = [*(said(f"t{place:05d} ") for place in range(200)), said("end", reason="STOP", usageMetadata=USAGE)]
    async with GeminiServer(chunks, delay=0.005) as server:

        async def idle() -> bool:
            return server.open_streams == 0

        yield Subject(Gemini(KEY, base_url=server.url), "gemini-2.5-flash", idle)


@asynccontextmanager
async def builtin(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    url: str = request.getfixturevalue("builtin_url")

    async def idle() -> bool:
        async with aiohttp.ClientSession() as session, session.get(url.replace("/v1", "/slots")) as answer:
            return not any(slot["is_processing"] for slot in await answer.json())

    yield Subject(OpenAICompatible(url, kind="builtin", llama=True), "smollm2", idle)


@pytest.fixture(params=[scripted, openai, gemini, ollama, pytest.param(builtin, marks=pytest.mark.model)])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    async with request.param(request) as made:
        yield made
        await made.provider.close()


async def test_an_answer_is_text_then_usage_then_one_end(subject: Subject) -> None:
    events = await collect(subject.provider.stream(question("Say hello.", model=subject.model, max_tokens=30)))
    kinds = [type(event) for event in events]
    assert kinds[0] is TextDelta
    assert kinds[-2:] == [Usage, Finished]
    assert kinds.count(Finished) == 1
    assert all(event.text for event in events if isinstance(event, TextDelta))


async def test_answers_at_the_same_time_do_not_mix(subject: Subject) -> None:
    call = question("Count to ten.", model=subject.model, max_tokens=20)
    alone = text_of(await collect(subject.provider.stream(call)))
    together = await asyncio.gather(*(collect(subject.provider.stream(call)) for _ in range(4)))
    assert [text_of(events)[:6] for events in together] == [alone[:6]] * 4
    assert all(isinstance(events[-1], Finished) for events in together)


async def test_closing_the_generator_stops_the_server(subject: Subject) -> None:
    events = subject.provider.stream(question("Tell me a very long story.", model=subject.model, max_tokens=2000))
    assert isinstance(await anext(events), TextDelta)
    assert not await subject.idle()
    await events.aclose()
    await until(subject.idle)


async def test_cancelling_the_task_stops_the_server(subject: Subject) -> None:
    call = question("Tell me a very long story.", model=subject.model, max_tokens=2000)
    task = asyncio.create_task(collect(subject.provider.stream(call)))
    await until(lambda: _is_busy(subject))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(subject.idle)


async def _is_busy(subject: Subject) -> bool:
    return not await subject.idle()


async def test_text_that_no_wire_can_carry_does_no_harm(subject: Subject) -> None:
    call = question("Odd \0 and \ud800 text", model=subject.model, max_tokens=5)
    assert isinstance((await collect(subject.provider.stream(call)))[-1], Finished)


async def test_it_lists_the_model_that_answers(subject: Subject) -> None:
    assert all(model.name for model in await subject.provider.models())
    assert await subject.provider.models()


async def test_it_is_ready(subject: Subject) -> None:
    assert await subject.provider.ready()


async def test_it_answers_again_after_its_connections_were_closed(subject: Subject) -> None:
    await subject.provider.close()
    call = question("Say hello.", model=subject.model, max_tokens=5)
    assert text_of(await collect(subject.provider.stream(call)))
