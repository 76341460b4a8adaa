"""What becomes of every kind of answer, and of every way to fail: the same for each provider."""

from __future__ import annotations

import asyncio
import json

import pytest

from apps.llm.errors import Garbled, ProviderError, TimedOut, Unreachable
from apps.llm.events import Event, Finished, ReasoningDelta, TextDelta, ToolCall, Usage
from apps.llm.providers.base import Timeouts
from apps.llm.providers.gemini import library
from apps.llm.providers.ollama import load_library
from tests.llm import wire
from tests.llm.asking import collect, failing, merged, question, text_of
from tests.llm.exchanges import ARGUMENTS, BODIES, KINDS, MEDIA, THINKING, head, playing

pytestmark = pytest.mark.parametrize("kind", KINDS)
HASTY = Timeouts(connect=5.0, first=0.3, silence=0.3)
LATER = Timeouts(connect=5.0, first=30.0, silence=0.3)
PATIENCE = 30.0


@pytest.fixture(autouse=True)
async def _libraries() -> None:
    """Load them before any clock runs."""
    library()
    await load_library()


async def heard(kind: str, case: str) -> list[Event]:
    async with playing(kind, head(kind), BODIES[kind][case]) as (provider, _):
        return merged(await collect(provider.stream(question(model="m"))))


async def failure_of(
    kind: str, *parts: bytes, hold: bool = False, timeouts: Timeouts | None = None
) -> tuple[str, ProviderError]:
    """The words before the failure, and the failure."""
    async with playing(kind, *parts, hold=hold, timeouts=timeouts) as (provider, _):
        events, failure = await failing(provider.stream(question(model="m")))
    assert failure.message
    assert failure.hint
    return text_of(events), failure


async def test_words_are_followed_by_what_they_cost_and_by_one_end(kind: str) -> None:
    assert await heard(kind, "text") == [TextDelta("Good day"), Usage(7, 3), Finished("stop")]


async def test_an_answer_that_reached_its_limit_says_so(kind: str) -> None:
    assert (await heard(kind, "cut at the limit"))[-1] == Finished("length")


async def test_thoughts_are_told_apart_from_words(kind: str) -> None:
    if kind not in THINKING:
        pytest.skip("This wire's library tells no thoughts.")
    assert (await heard(kind, "thoughts"))[:2] == [ReasoningDelta("Hm."), TextDelta("Yes")]


async def test_a_wish_for_a_function_is_an_event(kind: str) -> None:
    events = await heard(kind, "tool")
    (call,) = (event for event in events if isinstance(event, ToolCall))
    assert (call.name, json.loads(call.arguments)) == ("weather", ARGUMENTS)
    assert isinstance(events[-1], Finished)


async def test_an_error_before_the_first_word(kind: str) -> None:
    words, failure = await failure_of(kind, wire.answer(500, b'{"error":{"message":"out of memory"}}'))
    assert (words, failure.permanent) == ("", False)


async def test_an_error_in_mid_stream_comes_after_the_words(kind: str) -> None:
    words, _ = await failure_of(kind, head(kind), BODIES[kind]["words"], BODIES[kind]["error"])
    assert words == "Good"


async def test_half_a_line_is_a_broken_answer_after_its_words(kind: str) -> None:
    words, failure = await failure_of(kind, head(kind), BODIES[kind]["words"], BODIES[kind]["half"])
    assert (words, type(failure)) == ("Good", Unreachable)


async def test_an_answer_that_just_ends_is_broken(kind: str) -> None:
    words, failure = await failure_of(kind, head(kind), BODIES[kind]["words"])
    assert (words, type(failure)) == ("Good", Unreachable)


@pytest.mark.parametrize("body", [b"\x00\xff\xfe nonsense \x80\n" * 20, b"<html><h1>It works!</h1></html>"])
async def test_garbage_is_called_garbage(kind: str, body: bytes) -> None:
    words, failure = await failure_of(kind, wire.answer(200, body, media=MEDIA[kind]))
    assert (words, type(failure)) == ("", Garbled)


async def test_an_empty_answer_is_none(kind: str) -> None:
    words, failure = await failure_of(kind, head(kind), BODIES[kind]["nothing"])
    assert (words, type(failure)) == ("", Garbled)


@pytest.mark.parametrize("begun", [False, True])
async def test_silence_before_the_first_word_is_given_up(kind: str, begun: bool) -> None:
    parts = [head(kind)] if begun else []
    words, failure = await failure_of(kind, *parts, hold=True, timeouts=HASTY)
    assert (words, type(failure)) == ("", TimedOut)


async def test_silence_in_mid_stream_is_given_up_after_the_words(kind: str) -> None:
    words, failure = await failure_of(kind, head(kind), BODIES[kind]["words"], hold=True, timeouts=LATER)
    assert (words, type(failure)) == ("Good", TimedOut)


async def test_a_name_that_leads_to_a_clouds_secrets_is_not_asked(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with playing(kind, head(kind), BODIES[kind]["text"]) as (provider, server):
        for module in ("connections", "gemini_connections"):  # 127.0.0.1 stands for such an address
            monkeypatch.setattr(f"apps.llm.providers.{module}.is_metadata", lambda host: host == "127.0.0.1")
        with pytest.raises(ProviderError) as caught:
            await collect(provider.stream(question(model="m")))
        assert type(caught.value) is Unreachable
        assert server.heads == []


async def test_who_stops_listening_hangs_up(kind: str) -> None:
    async with playing(kind, head(kind), BODIES[kind]["words"], hold=True) as (provider, server):
        events = provider.stream(question(model="m"))
        assert await anext(events) == TextDelta("Good")
        await events.aclose()
        async with asyncio.timeout(PATIENCE):
            await server.left.wait()
