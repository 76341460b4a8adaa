"""Real audio made by the test, and processes that are gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from apps.voice import lanes, speaking
from apps.voice.audio import Pcm
from apps.voice.providers.base import Utterance
from apps.voice.providers.builtin import Espeak


@cache
def mouth() -> Espeak:
    """The built-in voice, one process for all tests."""
    return Espeak()


@cache
def said(text: str) -> Pcm:
    """The text, spoken by eSpeak NG."""
    return speaking.spoken(mouth(), Utterance(text))


@pytest.fixture(scope="session", autouse=True)
def _no_process_stays() -> Iterator[None]:
    yield
    for ear in [*lanes.live_ears(), lanes.file_ear()]:
        ear.warm.end()
    lanes.writer().end()
    mouth().mouth.end()
