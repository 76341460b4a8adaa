"""What the doctor says of model servers: a line each, with a way to repair, and one bad one spoils no other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings
from redis import Redis

from apps.core.diagnosis import Finding
from apps.llm import board, diagnosis
from apps.llm.farm import Condition
from apps.llm.shared_gate import keys
from benchmarks.standin import StandIn
from tests.llm.ollama_server import OllamaServer

DEAD = "http://127.0.0.1:9"
OPEN = Condition("openai", 1, "open", 4, 12.0, "The model server answered with error 500.")


@pytest.fixture(autouse=True)
def alone(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """No server is set, and nobody has noted anything."""
    settings.AI_MODEL, settings.AI_FALLBACK, settings.MODEL_FLAWS = "auto", [], []
    settings.OPENAI_BASE_URL, settings.OPENAI_MODEL, settings.GEMINI_API_KEY = [], "", ""
    settings.OLLAMA_BASE_URL, settings.NITRO_HOME = "", tmp_path
    with Redis.from_url(django_settings.REDIS_URL) as redis:
        redis.delete(board.KEY, *keys("openai"))
        yield
        redis.delete(board.KEY, *keys("openai"))


async def findings() -> list[Finding]:
    return await asyncio.to_thread(diagnosis.examine)


async def finding() -> Finding:
    (only,) = await findings()
    return only


async def note(*conditions: Condition, process: str = "elsewhere") -> None:
    async with board.connect(django_settings.REDIS_URL) as redis:
        await board.note(redis, process, conditions)


async def test_nothing_that_is_not_set_up_is_reported() -> None:
    assert await findings() == []


async def test_a_server_that_answers_says_how_many_models_it_has(settings: Settings, standin: StandIn) -> None:
    settings.OPENAI_BASE_URL = [standin.url]
    found = await finding()
    assert (found.check, found.ok) == ("openai", True)
    assert f"127.0.0.1:{standin.port} answers and has 1 model." in found.message


async def test_a_dead_server_is_told_with_a_hint_and_spoils_no_other(settings: Settings, standin: StandIn) -> None:
    settings.OPENAI_BASE_URL = [DEAD, standin.url]
    dead, alive = await findings()
    assert (dead.ok, bool(dead.hint), alive.ok) == (False, True, True)


@pytest.mark.parametrize(("chosen", "needed"), [("openai", True), ("auto", False)])
async def test_a_server_is_needed_where_it_was_chosen(settings: Settings, chosen: str, needed: bool) -> None:
    settings.AI_MODEL, settings.OPENAI_BASE_URL = chosen, [DEAD]
    found = await finding()
    assert (found.ok, found.needed) == (False, needed)


async def test_a_wrong_setting_is_named_with_its_repair(settings: Settings, standin: StandIn) -> None:
    settings.MODEL_FLAWS = [("OLLAMA_BASE_URL", "OLLAMA_BASE_URL is 'x', which …", "Write http://x.")]
    settings.OPENAI_BASE_URL = [standin.url]
    wrong, alive = await findings()
    assert wrong == Finding("ollama", False, False, "OLLAMA_BASE_URL is 'x', which …", "Write http://x.")
    assert alive.ok


async def test_an_unknown_model_is_named_with_those_that_there_are(settings: Settings, standin: StandIn) -> None:
    settings.OPENAI_BASE_URL, settings.OPENAI_MODEL = [standin.url], "gpt-77"
    found = await finding()
    assert not found.ok
    assert "OPENAI_MODEL is 'gpt-77'" in found.message
    assert "stand-in" in found.hint


async def test_an_ollama_that_nobody_asked_for_may_be_missing(settings: Settings) -> None:
    settings.OLLAMA_BASE_URL = DEAD
    assert not (await finding()).ok
    diagnosis_usual = "http://localhost:11434"
    settings.OLLAMA_BASE_URL = diagnosis_usual
    found = await finding()
    assert found.ok or "does not have" in found.message  # a machine may run one


async def test_an_ollama_without_the_model_is_told_how_to_get_it(settings: Settings) -> None:
    async with OllamaServer() as server:
        settings.AI_MODEL, settings.OLLAMA_BASE_URL, settings.OLLAMA_MODEL = "ollama", server.url, "llama9"
        found = await finding()
    assert (found.ok, found.needed) == (False, True)
    assert "nitro models pull llama9" in found.hint


async def test_a_breaker_that_is_open_in_another_process_is_told(settings: Settings, standin: StandIn) -> None:
    settings.OPENAI_BASE_URL = [standin.url]
    await note(OPEN)
    found = await finding()
    assert not found.ok
    assert "failed 4 times" in found.message
    assert "error 500" in found.message


async def test_notes_of_processes_that_fell_silent_do_not_count(
    settings: Settings, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OPENAI_BASE_URL = [standin.url]
    await note(OPEN)
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 2 * board.FRESH)
    assert (await finding()).ok


async def test_who_waits_in_line_is_counted(settings: Settings, standin: StandIn) -> None:
    settings.OPENAI_BASE_URL = [standin.url]
    with Redis.from_url(django_settings.REDIS_URL) as redis:
        inside, line, _, _ = keys("openai")
        redis.sadd(inside, "a", "b")
        redis.zadd(line, {"c": 0})
    assert "It is giving 2 answers, and 1 wait." in (await finding()).message


async def test_without_redis_the_servers_are_still_looked_at(settings: Settings, standin: StandIn) -> None:
    settings.OPENAI_BASE_URL, settings.REDIS_URL = [standin.url], "redis://127.0.0.1:1/0"
    assert (await finding()).ok
