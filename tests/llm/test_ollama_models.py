"""The models of an Ollama server: listed, loaded, measured, pulled and removed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apps.llm.errors import Loading, ModelMissing, Refused, Unreachable
from apps.llm.providers.base import ModelInfo, Timeouts
from apps.llm.providers.ollama import Ollama, from_settings
from apps.llm.providers.ollama_memory import LARGEST_CONTEXT, Memory
from apps.llm.providers.ollama_stream import PullProgress
from apps.llm.settings import LlmSettings
from tests.llm.asking import collect, failing, question, text_of, until
from tests.llm.ollama_server import Held, OllamaServer

ROOT = Path(__file__).resolve().parents[2]
LONG = "word " * 4000


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    async with OllamaServer() as made:
        yield made


@pytest.fixture
async def provider(server: OllamaServer) -> AsyncIterator[Ollama]:
    made = Ollama(server.url)
    yield made
    await made.close()


# --- what there is --------------------------------------------------------------------------------------------------


async def test_a_model_tells_all_about_itself(server: OllamaServer, provider: Ollama) -> None:
    server.held["phi3:latest"] = Held(window=4096, abilities=("completion", "vision"))
    abilities = frozenset({"completion", "vision"})
    assert await provider.models() == [ModelInfo("phi3", 4096, 2_176_178_913, "3.8B", "Q4_0", False, abilities)]


async def test_loaded_models_come_first(server: OllamaServer, provider: Ollama) -> None:
    server.held["llama3:8b"] = Held("sha256:9")
    server.loaded["llama3:8b"] = 8192
    assert [(info.name, info.loaded) for info in await provider.models()] == [("llama3:8b", True), ("phi3", False)]


async def test_a_model_that_cannot_talk_is_not_offered(server: OllamaServer, provider: Ollama) -> None:
    server.held["nomic-embed-text:latest"] = Held("sha256:9", abilities=("embedding",))
    assert [info.name for info in await provider.models()] == ["phi3"]


async def test_a_model_is_looked_into_once(server: OllamaServer, provider: Ollama) -> None:
    await provider.models()
    await provider.models()
    assert len(server.asked("/api/show")) == 1
    server.held["phi3:latest"] = Held("sha256:new")
    await provider.models()
    assert len(server.asked("/api/show")) == 2


async def test_a_huge_window_is_used_only_as_far_as_memory_allows(server: OllamaServer, provider: Ollama) -> None:
    assert (await provider.models())[0].context_window == LARGEST_CONTEXT
    server.loaded["phi3:latest"] = 32768
    assert (await provider.models())[0].context_window == 32768


async def test_a_server_without_models_has_none(server: OllamaServer, provider: Ollama) -> None:
    server.held.clear()
    assert await provider.models() == []


def test_there_is_a_provider_where_there_is_an_address() -> None:
    assert from_settings(LlmSettings()) == []
    (made,) = from_settings(LlmSettings(ollama_base_url="http://x:11434/"))
    assert made.kind == "ollama"


def test_neither_setting_up_nor_a_dead_server_loads_the_package() -> None:
    code = (
        "import asyncio, sys\n"
        "from apps.llm.errors import Unreachable\n"
        "from apps.llm.settings import LlmSettings\n"
        "from apps.llm.registry import build\n"
        "made, = build('ollama', LlmSettings(ollama_base_url='http://127.0.0.1:9'))\n"
        "try:\n    asyncio.run(made.models())\nexcept Unreachable:\n    pass\n"
        "print(sorted({'ollama', 'httpx', 'pydantic'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_web_process_starts_without_the_package(tmp_path: Path) -> None:
    code = "import sys, nitro.asgi, nitro.web.server; print(sorted({'ollama', 'httpx'} & set(sys.modules)))"
    given = {**os.environ, "NITRO_HOME": str(tmp_path), "AI_MODEL": "auto"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=given, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# --- the size of the context ----------------------------------------------------------------------------------------


async def context_asked(server: OllamaServer, provider: Ollama, text: str) -> object:
    await collect(provider.stream(question(text, model="phi3")))
    return server.asked("/api/chat")[-1]["options"].get("num_ctx")


async def test_a_short_question_leaves_the_context_to_the_server(server: OllamaServer, provider: Ollama) -> None:
    assert await context_asked(server, provider, "Hello") is None


async def test_a_long_question_asks_for_room_and_the_next_one_keeps_it(server: OllamaServer, provider: Ollama) -> None:
    assert await context_asked(server, provider, LONG) == 8192
    assert await context_asked(server, provider, "Hello") == 8192


async def test_a_context_that_is_loaded_is_never_made_smaller(server: OllamaServer, provider: Ollama) -> None:
    server.loaded["phi3:latest"] = 32768
    await provider.models()
    assert await context_asked(server, provider, LONG) == 32768


async def test_no_more_is_asked_for_than_the_model_can(server: OllamaServer, provider: Ollama) -> None:
    server.held["phi3:latest"] = Held(window=4096)
    server.loaded["phi3:latest"] = 4096
    await provider.models()
    assert await context_asked(server, provider, LONG) == 4096


def test_no_question_asks_for_more_than_a_laptop_has() -> None:
    assert Memory().context_for("phi3", 1_000_000) == LARGEST_CONTEXT


# --- loading --------------------------------------------------------------------------------------------------------


async def test_a_cold_model_is_loaded_while_the_question_waits(server: OllamaServer, provider: Ollama) -> None:
    server.loading.clear()
    await provider.models()
    assert isinstance((await failing(provider.stream(question(model="phi3"))))[1], Loading)
    await until(lambda: server.open_streams == 1)
    assert not await provider.ready()
    server.loading.set()
    await until(provider.ready)
    assert text_of(await collect(provider.stream(question(model="phi3"))))
    assert [len(body["messages"]) for body in server.asked("/api/chat")] == [0, 1]


async def test_one_load_serves_all_who_wait(server: OllamaServer, provider: Ollama) -> None:
    server.loading.clear()
    await provider.models()
    for _ in range(3):
        assert isinstance((await failing(provider.stream(question(model="phi3"))))[1], Loading)
    await until(lambda: server.open_streams == 1)
    assert len(server.asked("/api/chat")) == 1


async def test_a_load_that_fails_is_told(server: OllamaServer, provider: Ollama) -> None:
    await provider.models()
    server.held.clear()
    assert isinstance((await failing(provider.stream(question(model="phi3"))))[1], Loading)
    with pytest.raises(ModelMissing):
        await until(provider.ready)


async def test_a_model_that_was_too_slow_is_loaded_in_the_background_next_time(server: OllamaServer) -> None:
    provider = Ollama(server.url, timeouts=Timeouts(first=0.2))
    server.loaded["phi3:latest"] = 4096
    await provider.models()
    server.loaded.clear()
    server.loading.clear()
    await failing(provider.stream(question(model="phi3")))
    assert isinstance((await failing(provider.stream(question(model="phi3"))))[1], Loading)
    await provider.close()
    await until(lambda: server.open_streams == 0)


# --- pulling and removing -------------------------------------------------------------------------------------------


async def test_a_pull_tells_how_far_it_is(server: OllamaServer, provider: Ollama) -> None:
    async with aclosing(provider.pull("llama3.2")) as steps:
        told = [step async for step in steps]
    assert told[0] == PullProgress("pulling manifest")
    assert [(step.completed, step.total) for step in told[1:7]] == [
        (0, 1000),
        (500, 1000),
        (1000, 1000),
        (1000, 1024),
        (1012, 1024),
        (1024, 1024),
    ]
    assert told[-1] == PullProgress("success", 1024, 1024)
    assert "llama3.2" in {info.name for info in await provider.models()}


async def test_a_pull_that_is_closed_stops_at_the_server(server: OllamaServer, provider: Ollama) -> None:
    server.loading.clear()
    steps = provider.pull("llama3.2")
    await anext(steps)
    assert server.open_streams == 1
    await steps.aclose()
    await until(lambda: server.open_streams == 0)


async def pull_failing(server: OllamaServer, provider: Ollama, *lines: dict[str, Any]) -> list[PullProgress]:
    server.script = list(lines)
    async with aclosing(provider.pull("nonsense")) as steps:
        return [step async for step in steps]


async def test_a_model_that_nobody_has_cannot_be_pulled(server: OllamaServer, provider: Ollama) -> None:
    with pytest.raises(ModelMissing, match="file does not exist"):
        await pull_failing(server, provider, {"error": "pull model manifest: file does not exist"})


async def test_a_pull_that_breaks_off_is_not_taken_for_done(server: OllamaServer, provider: Ollama) -> None:
    with pytest.raises(Unreachable):
        await pull_failing(server, provider, {"status": "pulling manifest"})


async def test_a_removed_model_is_gone(server: OllamaServer, provider: Ollama) -> None:
    await provider.remove("phi3")
    assert server.held == {}
    with pytest.raises(ModelMissing):
        await provider.remove("phi3")


@pytest.mark.parametrize("name", ["", "x" * 201, "a\nb"])
async def test_a_name_that_no_model_has_is_refused(provider: Ollama, name: str) -> None:
    with pytest.raises(Refused):
        await provider.remove(name)
    with pytest.raises(Refused):
        await anext(provider.pull(name))


def test_names_that_cannot_be_shown_are_left_out() -> None:
    memory = Memory()
    names = (None, "a\0", "x" * 201, "ok")
    rows = [SimpleNamespace(model=name, details=None, digest=None, size=None) for name in names]
    memory.remember(SimpleNamespace(models=rows), SimpleNamespace(models=[]))  # type: ignore[arg-type]
    assert [info.name for info in memory.models()] == ["ok"]
