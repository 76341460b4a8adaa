"""Ollama behind the router: used by itself where it is there, and missed by nobody where it is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from apps.llm.errors import ModelMissing, Unreachable
from apps.llm.events import Chosen, RouterEvent
from apps.llm.router import Router
from apps.llm.settings import LlmSettings
from benchmarks.standin import StandIn
from tests.llm.asking import collect, each_closed, failing, question, states_of, text_of, until
from tests.llm.ollama_server import Held, OllamaServer

DEAD = "http://127.0.0.1:9"
Make = Callable[..., Router]


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    async with OllamaServer() as made:
        made.loaded["phi3:latest"] = 4096
        yield made


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes routers from settings and closes them in the end."""

    def router(url: str, **settings: object) -> Router:
        given = {"ollama_model": "phi3", **settings}
        return Router(LlmSettings(ollama_base_url=url, **given))  # type: ignore[arg-type]

    async with each_closed(router) as build:
        yield build


async def found(router: Router) -> None:
    """Let the router look around until it has found Ollama."""

    def is_found() -> bool:
        router.look_around()
        return router.resolve().provider == "ollama"

    await until(is_found)


async def answered(router: Router, choice: str = "") -> list[RouterEvent]:
    return await collect(router.stream(router.resolve(choice), question(max_tokens=5)))


async def test_ollama_answers_by_itself_once_it_was_found(server: OllamaServer, make: Make) -> None:
    router = make(server.url)
    assert router.resolve().provider == "builtin"
    await found(router)
    events = await answered(router)
    assert Chosen("ollama", "phi3") in events
    assert text_of(events).startswith("t00001 ")


async def test_a_question_finds_ollama_for_the_next_one(server: OllamaServer, make: Make, standin: StandIn) -> None:
    router = make(server.url, builtin_model_url=standin.url)
    assert Chosen("builtin", "stand-in") in await answered(router)
    await until(lambda: router.resolve().provider == "ollama")


async def test_looking_around_does_not_wait(make: Make) -> None:
    router = make(DEAD)
    router.look_around()
    assert router.resolve().provider == "builtin"


def test_looking_around_without_a_loop_is_harmless() -> None:
    Router(LlmSettings(ollama_base_url=DEAD)).look_around()


async def test_a_server_that_was_configured_goes_first(server: OllamaServer, make: Make) -> None:
    router = make(server.url, openai_base_urls=(DEAD,))
    router.look_around()
    await router.models()
    assert router.resolve().provider == "openai"


async def test_an_ollama_without_models_is_not_used(server: OllamaServer, make: Make) -> None:
    server.held.clear()
    server.loaded.clear()
    router = make(server.url)
    await router.models()
    assert router.resolve().provider == "builtin"


async def test_where_the_configured_model_is_missing_another_one_answers(server: OllamaServer, make: Make) -> None:
    server.held, server.loaded = {"llama3:8b": Held()}, {"llama3:8b": 4096}
    router = make(server.url)
    await found(router)
    assert router.resolve().model == "llama3:8b"


async def test_a_model_that_was_asked_for_and_is_missing_is_told(server: OllamaServer, make: Make) -> None:
    server.held, server.loaded = {"llama3:8b": Held()}, {"llama3:8b": 4096}
    router = make(server.url, ai_model="ollama")
    await router.models()
    _, failure = await failing(router.stream(router.resolve(), question()))
    assert isinstance(failure, ModelMissing)
    assert "ollama pull phi3" in failure.hint


async def test_a_bare_name_finds_its_server_and_window(server: OllamaServer, make: Make) -> None:
    server.held["phi3:latest"] = Held(window=4096)
    router = make(server.url)
    await router.models()
    target = router.resolve("phi3")
    assert (target.provider, target.model, target.context_window) == ("ollama", "phi3", 4096)


async def test_a_cold_model_is_shown_to_be_loading(server: OllamaServer, make: Make) -> None:
    server.loaded.clear()
    server.loading.clear()
    router = make(server.url)
    await found(router)
    task = asyncio.create_task(answered(router))
    await until(lambda: server.open_streams == 1)
    server.loading.set()
    events = await task
    assert "loading" in states_of(events)
    assert text_of(events).startswith("t00001 ")


async def test_when_ollama_goes_away_the_built_in_model_stands_in(make: Make, standin: StandIn) -> None:
    async with OllamaServer() as server:
        server.loaded["phi3:latest"] = 4096
        router = make(server.url, builtin_model_url=standin.url)
        await found(router)
    events = await answered(router)
    assert Chosen("builtin", "stand-in", fallback_from="ollama") in events


async def test_who_asked_for_ollama_is_told_that_it_is_away(make: Make, standin: StandIn) -> None:
    router = make(DEAD, ai_model="ollama", builtin_model_url=standin.url)
    _, failure = await failing(router.stream(router.resolve(), question()))
    assert isinstance(failure, Unreachable)


async def test_a_dead_ollama_is_replaced_by_the_fallback(make: Make, standin: StandIn) -> None:
    router = make(DEAD, ai_model="ollama", ai_fallback=("builtin",), builtin_model_url=standin.url)
    assert Chosen("builtin", "stand-in", fallback_from="ollama") in await answered(router)


async def test_an_ollama_that_went_away_is_not_the_default_any_more(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.llm.farm.FRESH", 0.0)
    async with OllamaServer() as server:
        router = make(server.url)
        await found(router)
    router.look_around()
    await until(lambda: router.resolve().provider == "builtin")
