"""Reading from model servers: word by word while few answers are written, in handfuls while many are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from apps.llm.errors import TimedOut
from apps.llm.events import Event, TextDelta
from apps.llm.providers.base import Timeouts
from apps.llm.providers.connections import read_pause
from apps.llm.providers.ollama import Ollama
from apps.llm.providers.openai_compatible import OpenAICompatible
from benchmarks.standin import StandIn
from tests.llm.asking import collect, question, text_of

MANY = 40
TOKENS = 60
WHOLE = "".join(f"t{number:05d} " for number in range(1, TOKENS + 1))


@pytest.fixture
async def hasty() -> AsyncIterator[StandIn]:
    """A model that writes faster than anybody reads."""
    async with StandIn(rate=200.0) as server:
        yield server


@pytest.fixture(params=["openai", "ollama"])
async def provider(request: pytest.FixtureRequest, hasty: StandIn) -> AsyncIterator[OpenAICompatible | Ollama]:
    made = OpenAICompatible(hasty.url) if request.param == "openai" else Ollama(hasty.ollama_url)
    yield made
    await made.close()


def words(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, TextDelta)]


async def test_one_answer_is_read_as_it_comes(provider: OpenAICompatible | Ollama) -> None:
    pauses = []
    async with aclosing(provider.stream(question(model="tokens-20"))) as events:
        async for _ in events:
            pauses.append(read_pause())
    assert set(pauses) == {0}


async def test_many_answers_are_read_in_handfuls_after_their_first_words(provider: OpenAICompatible | Ollama) -> None:
    answers = (collect(provider.stream(question(model=f"tokens-{TOKENS}"))) for _ in range(MANY))
    for events in await asyncio.gather(*answers):
        assert text_of(events) == WHOLE
        assert len(words(events)) < TOKENS / 2
    assert read_pause() == 0


async def test_an_answer_that_is_left_in_mid_pause_is_stopped_and_slows_nobody(hasty: StandIn) -> None:
    provider = OpenAICompatible(hasty.url)

    async def left() -> None:
        async with aclosing(provider.stream(question(model="tokens-5000"))) as events:
            async for _ in events:
                pass

    leaving = [asyncio.ensure_future(left()) for _ in range(MANY)]
    while read_pause() == 0:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    for one in leaving:
        one.cancel()
    await asyncio.wait(leaving)
    assert read_pause() == 0
    while hasty.stats.open_streams:
        await asyncio.sleep(0.01)
    await provider.close()


async def test_a_server_that_falls_silent_is_noticed_among_many(hasty: StandIn) -> None:
    provider = OpenAICompatible(hasty.url, timeouts=Timeouts(silence=0.4))
    others = [asyncio.ensure_future(collect(provider.stream(question(model="tokens-400")))) for _ in range(MANY)]
    with pytest.raises(TimedOut):
        await collect(provider.stream(question(model="silent-at-10")))
    for one in others:
        one.cancel()
    await asyncio.wait(others)
    await provider.close()
