"""All models there are, in one list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from apps.llm.catalogue import abilities, catalogue, is_loopback
from apps.llm.errors import Unreachable
from apps.llm.providers.ollama import Ollama
from apps.llm.providers.scripted import Scripted
from apps.llm.router import Router
from apps.llm.settings import LlmSettings
from tests.llm.gguf_files import put
from tests.llm.ollama_server import Held, OllamaServer


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    async with OllamaServer() as made:
        yield made


@pytest.fixture
async def using(server: OllamaServer) -> AsyncIterator[Router]:
    settings = LlmSettings(ai_model="ollama", ollama_base_url=server.url, ollama_model="phi3", kinds=("ollama",))
    made = Router(settings, {"ollama": [Ollama(server.url)], "scripted": [Scripted()]})
    yield made
    await made.close()


async def test_a_model_is_described_with_all_that_its_server_and_the_guide_know(
    server: OllamaServer, using: Router
) -> None:
    server.held["phi3:latest"] = Held(window=4096, abilities=("completion", "vision"))
    entry = next(entry for entry in await catalogue(using) if entry.provider == "ollama")
    assert (entry.choice, entry.name, entry.server) == ("ollama:phi3", "phi3", "Ollama")
    assert (entry.size, entry.parameters, entry.quantisation) == (2_176_178_913, "3.8B", "Q4_0")
    assert (entry.context_window, entry.abilities, entry.loaded) == (4096, ("text", "vision"), False)
    assert (entry.speed, entry.quality, entry.default, entry.removable) == ("medium", "good", True, True)
    assert entry.fit.memory > entry.size


async def test_every_server_is_asked(using: Router) -> None:
    assert [entry.choice for entry in await catalogue(using)] == ["ollama:phi3", "scripted:numbers"]


async def test_a_loaded_model_is_told_from_a_cold_one(server: OllamaServer, using: Router) -> None:
    server.loaded["phi3:latest"] = 4096
    assert (await catalogue(using))[0].loaded


async def test_a_server_that_is_away_hides_nobody_elses_models(using: Router, server: OllamaServer) -> None:
    await server.__aexit__()
    assert [entry.choice for entry in await catalogue(using)] == ["scripted:numbers"]


async def test_a_server_that_is_known_to_be_away_is_not_waited_for(using: Router, server: OllamaServer) -> None:
    using._farms["ollama"].backends[0].gone(Unreachable("Nobody is there."))
    asked = len(server.requests)
    assert [entry.choice for entry in await catalogue(using)] == ["scripted:numbers"]
    assert len(server.requests) == asked


async def test_a_new_model_is_seen_at_once_when_it_was_announced(server: OllamaServer, using: Router) -> None:
    await catalogue(using)
    server.held["llama3.2:latest"] = Held("sha256:9")
    assert len(await catalogue(using)) == 2
    using.models_changed()
    assert "ollama:llama3.2" in {entry.choice for entry in await catalogue(using)}


async def test_what_runs_elsewhere_is_not_measured_by_this_machine(using: Router) -> None:
    assert (await catalogue(using))[-1].fit.level == "elsewhere"


async def test_a_file_of_the_data_folder_is_measured_by_its_own_shape(tmp_path: Path) -> None:
    put(tmp_path, "numbers.gguf")
    settings = LlmSettings(ai_model="builtin", kinds=("builtin",), home=str(tmp_path))
    entry = (await catalogue(Router(settings, {"builtin": [Scripted()]})))[0]
    assert (entry.choice, entry.removable, entry.fit.level) == ("builtin:numbers", True, "unknown")


@pytest.mark.parametrize(
    ("provider", "told", "words"),
    [
        ("ollama", {"completion", "tools", "thinking", "vision", "insert"}, ("text", "vision", "tools", "thinking")),
        ("ollama", {"embedding"}, ("embedding",)),
        ("openai", set(), ("text",)),
        ("gemini", set(), ("text", "vision")),
    ],
)
def test_abilities_are_said_in_our_words(provider: str, told: set[str], words: tuple[str, ...]) -> None:
    assert abilities(provider, frozenset(told)) == words


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:11434", True),
        ("http://127.1.2.3", True),
        ("http://[::1]:1", True),
        ("http://10.0.0.5:11434", False),
        ("http://ollama.example.com", False),
        ("", False),
    ],
)
def test_a_loopback_address_is_this_machine(url: str, here: bool) -> None:
    assert is_loopback(url) is here
