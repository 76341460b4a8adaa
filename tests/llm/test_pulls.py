"""Downloads on their way: carried by one process, told to all, ended in every way there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pytest_django import Settings

from apps.core.database import in_database
from apps.llm import pulls, services
from apps.llm.models import Pull
from apps.llm.providers.ollama import Ollama
from apps.llm.pulls import Carrier, frame
from apps.llm.router import Router, use
from apps.llm.settings import LlmSettings
from apps.llm.sources import INSTALL_HINT, FromOllama, Source
from tests.llm.asking import until
from tests.llm.ollama_server import OllamaServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    async with OllamaServer() as made:
        yield made


@pytest.fixture
async def news(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is told, in order."""
    told: list[dict[str, Any]] = []

    async def publish(item: dict[str, Any]) -> bool:
        told.append(item)
        return True

    monkeypatch.setattr("apps.core.news.publish", publish)
    return told


@pytest.fixture
async def carrier(server: OllamaServer) -> AsyncIterator[Carrier]:
    made = Carrier(lambda _: FromOllama(server.url))
    yield made
    await made.close()


async def asked(name: str = "llama3.2") -> Pull:
    return await in_database(services.pull_start, user=None, name=name)


async def state(pull: Pull) -> str:
    await in_database(pull.refresh_from_db)
    return str(pull.state)


async def ended(carrier: Carrier) -> None:
    await until(lambda: not carrier.carried)


async def test_a_model_is_fetched_and_everybody_hears_how_it_ended(
    server: OllamaServer, carrier: Carrier, news: list[dict[str, Any]]
) -> None:
    pull = await asked()
    await carrier.look()
    await ended(carrier)
    assert await state(pull) == Pull.State.DONE
    assert (pull.completed, pull.total) == (1024, 1024)
    assert "llama3.2:latest" in server.held
    assert [item["kind"] for item in news][-2:] == ["models", "pull"]
    assert news[-1] == frame(pull)


async def test_the_router_sees_the_new_model_at_once(
    server: OllamaServer, carrier: Carrier, news: list[dict[str, Any]]
) -> None:
    mine = Router(LlmSettings(ollama_base_url=server.url), {"ollama": [Ollama(server.url)]})
    before = use(mine)
    try:
        assert len(await mine.models()) == 1
        await asked()
        await carrier.look()
        await ended(carrier)
        assert "ollama:llama3.2" in {offer.choice for offer in await mine.models()}
    finally:
        use(before)
        await mine.close()


async def test_progress_is_told_and_kept_while_it_goes_on(
    server: OllamaServer, carrier: Carrier, news: list[dict[str, Any]]
) -> None:
    server.loading.clear()
    pull = await asked()
    await carrier.look()
    await until(lambda: any(item.get("total") == 1024 for item in news))
    told = next(item for item in news if item.get("total") == 1024)
    assert told["state"] == "running"
    assert 0 < told["completed"] <= 1024

    async def kept() -> bool:
        return await state(pull) == Pull.State.RUNNING and pull.total == 1024

    await until(kept)


async def test_a_cancelled_download_stops_at_the_server(
    server: OllamaServer, carrier: Carrier, news: list[dict[str, Any]]
) -> None:
    server.loading.clear()
    pull = await asked()
    await carrier.look()
    await until(lambda: server.open_streams == 1)
    await in_database(Pull.objects.filter(pk=pull.pk).update, cancel_requested=True)
    await ended(carrier)
    await until(lambda: server.open_streams == 0)
    assert await state(pull) == Pull.State.CANCELLED
    assert news[-1]["state"] == "cancelled"
    assert "models" not in {item["kind"] for item in news}


async def test_two_processes_fetch_a_model_once(
    server: OllamaServer, carrier: Carrier, news: list[dict[str, Any]]
) -> None:
    other = Carrier(lambda _: FromOllama(server.url))
    await asked()
    await asyncio.gather(carrier.look(), other.look())
    await ended(carrier)
    await ended(other)
    assert len(server.asked("/api/pull")) == 1


async def test_a_process_that_ends_leaves_its_download_to_the_next_one(
    server: OllamaServer, carrier: Carrier, news: list[dict[str, Any]]
) -> None:
    server.loading.clear()
    first = Carrier(lambda _: FromOllama(server.url))
    pull = await asked()
    await first.look()
    await until(lambda: server.open_streams == 1)
    await first.close()
    server.loading.set()
    await carrier.look()
    await ended(carrier)
    assert await state(pull) == Pull.State.DONE


async def test_a_model_that_nobody_has_is_told_with_a_way_out(
    server: OllamaServer, carrier: Carrier, news: list[dict[str, Any]]
) -> None:
    server.script = [{"error": "pull model manifest: file does not exist"}]
    pull = await asked("nonsense")
    await carrier.look()
    await ended(carrier)
    assert await state(pull) == Pull.State.FAILED
    assert "ollama.com/library" in pull.error_hint
    assert news[-1]["error"]["code"] == "model_missing"


async def test_a_full_disk_is_called_by_its_name(
    server: OllamaServer, carrier: Carrier, news: list[dict[str, Any]]
) -> None:
    server.script = [{"error": "write /models/blobs/sha256-aa-partial: no space left on device"}]
    pull = await asked()
    await carrier.look()
    await ended(carrier)
    assert await state(pull) == Pull.State.FAILED
    assert pull.error_code == "disk_full"


async def test_without_ollama_it_is_told_how_to_get_it(news: list[dict[str, Any]]) -> None:
    carrier = Carrier(lambda _: FromOllama("http://127.0.0.1:9"))
    pull = await asked()
    await carrier.look()
    await ended(carrier)
    assert await state(pull) == Pull.State.FAILED
    assert pull.error_hint == INSTALL_HINT


async def test_no_address_of_ollama_is_told_like_no_ollama(news: list[dict[str, Any]]) -> None:
    carrier = Carrier(lambda _: FromOllama(""))
    pull = await asked()
    await carrier.look()
    await ended(carrier)
    assert await state(pull) == Pull.State.FAILED


async def test_a_defect_ends_the_download_and_is_logged(
    news: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    def find(name: str) -> Source:
        raise RuntimeError(name)

    carrier = Carrier(find)
    pull = await asked()
    await carrier.look()
    await ended(carrier)
    assert await state(pull) == Pull.State.FAILED
    assert "RuntimeError" in caplog.text


async def test_a_new_download_wakes_the_process_that_waits(
    server: OllamaServer, carrier: Carrier, news: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "LOOK_SECONDS", 3600.0)
    running = asyncio.create_task(carrier.run())
    await asyncio.sleep(0)
    pull = await asked()
    await until(lambda: not carrier._wanted.is_set())
    carrier.hear(frame(pull))

    async def done() -> bool:
        return await state(pull) == Pull.State.DONE

    await until(done)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_process_that_is_told_to_stop_leaves_its_download_to_the_next_one_at_once(
    server: OllamaServer, carrier: Carrier, news: list[dict[str, Any]], settings: Settings
) -> None:
    settings.OLLAMA_BASE_URL = server.url
    server.loading.clear()
    pull = await asked()
    pulls.begin()
    await until(lambda: server.open_streams == 1, 30)
    await pulls.end()
    await until(lambda: server.open_streams == 0)
    server.loading.set()
    await carrier.look()
    await ended(carrier)
    assert await state(pull) == Pull.State.DONE


async def test_ending_what_was_never_begun_is_harmless() -> None:
    await pulls.end()
