"""The provider for tests and demonstrations."""

from __future__ import annotations

import pytest

from apps.llm.errors import Unreachable
from apps.llm.events import Finished, TextDelta, Usage
from apps.llm.providers.scripted import Script, Scripted, demonstration, numbered
from apps.llm.settings import LlmSettings
from tests.llm.asking import collect, failing, question


async def test_it_says_its_tokens_one_by_one() -> None:
    events = await collect(Scripted(Script(tokens=numbered(2))).stream(question()))
    assert events == [TextDelta("t00001 "), TextDelta("t00002 "), Usage(1, 2), Finished("stop")]


async def test_it_follows_its_scripts_in_order_and_repeats_the_last() -> None:
    provider = Scripted(Script(tokens=["a"]), Script(tokens=["b"], reason="length"))
    answers = [await collect(provider.stream(question())) for _ in range(3)]
    assert [events[0] for events in answers] == [TextDelta("a"), TextDelta("b"), TextDelta("b")]
    assert answers[1][-1] == Finished("length")


@pytest.mark.parametrize(("after", "said"), [(0, 0), (2, 2), (9, 3)])
async def test_it_fails_where_the_script_says_so(after: int, said: int) -> None:
    provider = Scripted(Script(tokens=numbered(3), failure=Unreachable("gone"), fails_after=after))
    events, failure = await failing(provider.stream(question()))
    assert failure.message == "gone"
    assert len(events) == said
    assert provider.running == 0


async def test_it_can_be_away() -> None:
    provider = Scripted()
    provider.away = Unreachable("gone")
    with pytest.raises(Unreachable):
        await provider.models()
    with pytest.raises(Unreachable):
        await provider.ready()


async def test_it_keeps_the_calls_it_was_given() -> None:
    provider = Scripted(Script(tokens=["a"]))
    await collect(provider.stream(question("Why?")))
    assert provider.calls == [question("Why?")]


def test_it_is_offered_only_where_code_says_so() -> None:
    assert demonstration(LlmSettings()) == []
    assert len(demonstration(LlmSettings(kinds=("scripted",)))) == 1
