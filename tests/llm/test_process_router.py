"""The router of a process, and the settings it is made from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from apps.llm.configuration import configured
from apps.llm.messages import Options
from apps.llm.providers.base import Provider
from apps.llm.registry import BUILDERS, build
from apps.llm.router import Router, default_options, router, use
from apps.llm.settings import LlmSettings


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    before = use(None)
    yield
    use(before)


def test_there_is_one_router_in_a_process() -> None:
    assert router() is router()


def test_another_router_can_take_its_place() -> None:
    mine = Router(LlmSettings())
    use(mine)
    assert router() is mine
    assert use(None) is mine


def test_the_router_is_made_from_the_settings(settings: Settings) -> None:
    settings.AI_MODEL, settings.AI_FALLBACK = "openai", ["builtin"]
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY, settings.OPENAI_MODEL = ["http://x/v1"], "sk-1", "m"
    settings.BUILTIN_MODEL_URL = "http://y/v1"
    settings.GEMINI_API_KEY, settings.GEMINI_MODEL, settings.GEMINI_BASE_URL = "AIza", "flash", "http://z"
    made = router().settings
    known = (made.ai_model, made.ai_fallback, made.builtin_model_url, made.openai_base_urls, made.openai_model)
    assert known == ("openai", ("builtin",), "http://y/v1", ("http://x/v1",), "m")
    assert (made.gemini_model, made.gemini_base_url) == ("flash", "http://z")
    assert (made.openai_api_key, made.gemini_api_key) == ("sk-1", "AIza")


def test_the_key_is_not_shown(settings: Settings) -> None:
    settings.OPENAI_API_KEY = settings.GEMINI_API_KEY = "sk-hidden"
    assert "sk-hidden" not in repr(configured())


def test_sampling_comes_from_the_settings(settings: Settings) -> None:
    settings.MAX_TOKENS, settings.TEMPERATURE, settings.TOP_P = 7, 0.1, 0.2
    settings.TOP_K, settings.REPEAT_PENALTY = 3, 1.5
    assert default_options() == Options(7, 0.1, 0.2, 3, 1.5)


@pytest.mark.parametrize("kind", BUILDERS)
def test_every_kind_can_be_built(kind: str) -> None:
    settings = LlmSettings(
        builtin_model_url="http://x/v1",
        openai_base_urls=("http://y/v1",),
        gemini_api_key="k",
        ollama_base_url="http://z",
        kinds=tuple(BUILDERS),
    )
    made = build(kind, settings)
    assert [provider.kind for provider in made] == [kind]
    assert all(isinstance(provider, Provider) for provider in made)
