"""Who stands in where the settings name nobody: nobody is missed whom nobody asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.llm import farm
from apps.llm.errors import ModelMissing, Unreachable
from apps.llm.events import Chosen
from apps.llm.providers.scripted import Script, Scripted, numbered
from apps.llm.router import Router
from apps.llm.settings import LlmSettings
from tests.llm.asking import collect, failing, question

AWAY = Script(tokens=numbered(1), failure=Unreachable("gone"))
WORKS = Script(tokens=["one"])
KEY = LlmSettings(gemini_api_key="k", gemini_model="numbers")


def router(settings: LlmSettings, **scripts: Script) -> Router:
    return Router(settings, {kind: [Scripted(script, kind=kind)] for kind, script in scripts.items()})


async def who(asked: Router, choice: str = "") -> Chosen:
    events = await collect(asked.stream(asked.resolve(choice), question()))
    return next(event for event in events if isinstance(event, Chosen))


async def found(asked: Router) -> Router:
    """After the servers have told their models."""
    await asked.models()
    return asked


async def test_with_a_key_gemini_stands_in_for_an_ollama_that_fails() -> None:
    asked = await found(router(KEY, ollama=AWAY, gemini=WORKS, builtin=WORKS))
    assert await who(asked) == Chosen("gemini", "numbers", "ollama")


async def test_with_a_key_gemini_stands_in_for_a_server_that_fails() -> None:
    asked = router(replace(KEY, openai_base_urls=("http://x",)), openai=AWAY, gemini=WORKS)
    assert await who(asked) == Chosen("gemini", "numbers", "openai")


async def test_the_built_in_model_stands_in_for_gemini() -> None:
    asked = router(KEY, gemini=AWAY, builtin=WORKS)
    assert await who(asked) == Chosen("builtin", "numbers", "gemini")


async def test_without_a_key_nothing_is_asked_of_gemini() -> None:
    asked = await found(router(LlmSettings(), ollama=AWAY, gemini=WORKS, builtin=WORKS))
    assert await who(asked) == Chosen("builtin", "numbers", "ollama")


@pytest.mark.parametrize("choice", ["ollama", "ollama:numbers", "numbers"])
async def test_whoever_chose_a_local_model_is_not_sent_to_a_service(choice: str) -> None:
    asked = await found(router(KEY, ollama=AWAY, gemini=WORKS, builtin=WORKS))
    _, failure = await failing(asked.stream(asked.resolve(choice), question()))
    assert isinstance(failure, Unreachable)


async def test_named_fallbacks_are_the_only_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farm, "START_GRACE", 0.1)
    settings = replace(KEY, ai_fallback=("builtin",))
    asked = await found(router(settings, ollama=AWAY, gemini=WORKS, builtin=AWAY))
    _, failure = await failing(asked.stream(asked.resolve(), question()))
    assert isinstance(failure, Unreachable)


async def test_nobody_stands_in_for_a_kind_that_was_set() -> None:
    asked = router(replace(KEY, ai_model="ollama"), ollama=AWAY, gemini=WORKS)
    _, failure = await failing(asked.stream(asked.resolve(), question()))
    assert isinstance(failure, Unreachable)


async def test_a_model_that_is_missing_is_told_and_not_replaced() -> None:
    missing = Script(tokens=numbered(1), failure=ModelMissing("no such model"))
    asked = await found(router(KEY, ollama=missing, gemini=WORKS))
    _, failure = await failing(asked.stream(asked.resolve(), question()))
    assert isinstance(failure, ModelMissing)
