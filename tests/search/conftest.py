"""A small web that may be read, and a model that follows a script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import pytest
from django.core.cache import cache
from pytest_django import Settings

from apps.llm.providers.scripted import Script, Scripted
from apps.llm.router import Router, use
from apps.llm.settings import LlmSettings
from apps.search import finding, registry
from apps.search.chain import Chain
from apps.search.providers.base import Engine
from tests.core.outside.servers import Local
from tests.search.web import web

Asking = Callable[..., None]


@pytest.fixture(autouse=True)
def nothing_kept(settings: Settings) -> Iterator[None]:
    """Each test begins without anything in Redis, and keeps for an hour what it finds."""
    settings.CACHE_TTL = 3600
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
async def site(settings: Settings) -> AsyncIterator[Local]:
    """The small web, which the door may visit for once; all of its pages may come from one host."""
    async with web() as server:
        settings.FETCH_ALLOWED_PRIVATE = [server.place]
        yield server


@pytest.fixture
def ask_engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Lets these engines be asked, in this order."""
    monkeypatch.setattr(finding, "PER_HOST", 20)
    before = registry.use(Chain([]))

    def put(*engines: Engine) -> None:
        registry.use(Chain(engines))

    yield put
    registry.use(before)


@pytest.fixture
async def model() -> AsyncIterator[Scripted]:
    """The only model there is; `says` gives it its words."""
    provider = Scripted(Script(tokens=("Nothing. ",)))
    before = use(Router(LlmSettings(ai_model="scripted", kinds=("scripted",)), {"scripted": [provider]}))
    yield provider
    use(before)


def says(model: Scripted, tokens: Sequence[str] | str) -> None:
    """What the model will answer; a text comes letter by letter, so that marks are cut everywhere."""
    model.scripts = [Script(tokens=tuple(tokens))]
