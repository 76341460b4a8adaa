"""OpenAI's chat completions asked twice, or by many at once: one generation, and everybody has the whole answer."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.models import DailyUsage
from apps.chat.completions.ledger import ledger
from apps.core.database import in_database
from apps.llm.errors import Unreachable
from apps.llm.providers.scripted import Script, Scripted, numbered
from apps.llm.router import router
from tests import cast
from tests.chat.programs import COMPLETIONS, begin, post, until

pytestmark = pytest.mark.django_db(transaction=True)
SLOW = Script(tokens=numbered(40), delay=0.02)
WHOLE = "".join(numbered(40))


@pytest.fixture(autouse=True)
async def _with_a_cache(settings: Settings, model: Scripted) -> None:
    settings.CACHE_TTL = 3600
    await router().models()


@pytest.fixture
async def key(transactional_db: None) -> str:
    return await in_database(lambda: cast.key_of(cast.alice(), "chat"))


@pytest.fixture
def question() -> dict[str, Any]:
    """One that nobody has asked before."""
    return {"model": "scripted", "messages": [{"role": "user", "content": f"Numbers, please. {uuid.uuid4()}"}]}


def texts(heard: Any) -> str:
    return str(heard.json["choices"][0]["message"]["content"])


async def test_the_same_question_is_answered_from_memory_and_says_so(
    model: Scripted, key: str, question: dict[str, Any]
) -> None:
    first = await post(COMPLETIONS, question, key)
    second = await post(COMPLETIONS, question, key)
    assert texts(first) == texts(second)
    assert ("cached" in first.json, second.json["cached"]) == (False, True)
    assert len(model.calls) == 1


async def test_a_stream_comes_from_memory_too(model: Scripted, key: str, question: dict[str, Any]) -> None:
    first = await post(COMPLETIONS, question, key)
    second = await post(COMPLETIONS, question | {"stream": True}, key)
    assert second.words == texts(first)
    assert [event.get("cached") for event in second.events[:-1]] == [None, None, True]
    assert second.events[-1] == "[DONE]"
    assert len(model.calls) == 1


async def test_who_wants_a_fresh_answer_gets_one(model: Scripted, key: str, question: dict[str, Any]) -> None:
    await post(COMPLETIONS, question, key)
    fresh = await post(COMPLETIONS, question | {"cache": False}, key)
    assert "cached" not in fresh.json
    assert len(model.calls) == 2


@pytest.mark.parametrize("other", [{"temperature": 0.1}, {"seed": 7}, {"max_tokens": 9}, {"stop": "t00003"}])
async def test_other_options_are_another_question(
    model: Scripted, key: str, question: dict[str, Any], other: dict[str, Any]
) -> None:
    await post(COMPLETIONS, question, key)
    assert "cached" not in (await post(COMPLETIONS, question | other, key)).json
    assert len(model.calls) == 2


async def test_a_question_with_tools_always_asks_the_model(model: Scripted, key: str, question: dict[str, Any]) -> None:
    tools = [{"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}]
    for _ in range(2):
        await post(COMPLETIONS, question | {"tools": tools}, key)
    assert len(model.calls) == 2


async def test_nobody_is_given_the_answer_of_somebody_else(model: Scripted, key: str, question: dict[str, Any]) -> None:
    bobs = await in_database(lambda: cast.key_of(cast.bob(), "chat"))
    await post(COMPLETIONS, question, key)
    assert "cached" not in (await post(COMPLETIONS, question, bobs)).json
    assert len(model.calls) == 2


async def test_ten_who_ask_at_once_share_a_generation(model: Scripted, key: str, question: dict[str, Any]) -> None:
    model.scripts = [SLOW]
    heard = await asyncio.gather(*(post(COMPLETIONS, question | {"stream": n % 2 == 0}, key) for n in range(10)))
    assert {one.words if n % 2 == 0 else texts(one) for n, one in enumerate(heard)} == {WHOLE}
    assert len(model.calls) == 1


async def test_when_the_first_one_leaves_the_others_go_on(model: Scripted, key: str, question: dict[str, Any]) -> None:
    model.scripts = [SLOW]
    leaving = await begin(COMPLETIONS, question | {"stream": True}, key)
    await until(lambda: model.running == 1)
    staying = asyncio.ensure_future(post(COMPLETIONS, question, key))
    async for piece in leaving.pieces():
        if b"t00005" in piece:
            break
    await leaving.leave()
    assert texts(await staying) == WHOLE
    assert len(model.calls) == 1


async def test_a_failure_is_told_and_not_kept(model: Scripted, key: str, question: dict[str, Any]) -> None:
    model.scripts = [Script(failure=Unreachable("It is off.")), Script(tokens=("well",))]
    assert (await post(COMPLETIONS, question, key)).status == 502
    assert texts(await post(COMPLETIONS, question, key)) == "well"


async def test_what_memory_says_is_a_message_and_costs_no_tokens(
    model: Scripted, key: str, question: dict[str, Any]
) -> None:
    for _ in range(2):
        await post(COMPLETIONS, question, key)
    await ledger().settle()
    (day,) = await in_database(lambda: list(DailyUsage.objects.all()))
    assert (day.messages, day.completion_tokens) == (2, 10)
