"""Processes that share answers, a model that says what it is told, and a question nobody has asked before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from pytest_django import Settings

from apps.chat import relays
from apps.chat.replies import Question
from tests.chat.relays.processes import Model, Process, question_of


@pytest.fixture
async def processes(settings: Settings) -> AsyncIterator[Callable[[], Process]]:
    """A way to start one."""
    settings.CACHE_TTL = 3600
    made: list[Process] = []

    def start() -> Process:
        made.append(Process())
        return made[-1]

    yield start
    for process in made:
        await process.dies()


@pytest.fixture
def first(processes: Callable[[], Process]) -> Process:
    return processes()


@pytest.fixture
def second(processes: Callable[[], Process]) -> Process:
    return processes()


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def question() -> Question:
    return question_of()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is waited for as long as in life."""
    monkeypatch.setattr(relays, "WISHED_SECONDS", 1.5)
    monkeypatch.setattr(relays, "WISH_SECONDS", 0.3)
    monkeypatch.setattr(relays, "SILENT_SECONDS", 1.0)
    monkeypatch.setattr(relays, "BEAT_SECONDS", 0.2)


@pytest.fixture
def forbearing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits does so for ever: only what is noticed otherwise ends it."""
    monkeypatch.setattr(relays, "PATIENCE_SECONDS", 1000)
    monkeypatch.setattr(relays, "SILENT_SECONDS", 1000)
