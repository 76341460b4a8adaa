"""R15 at the router: somebody greedy cannot slow others down to less than half of their speed alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from redis.asyncio import Redis

from apps.llm.events import Progress
from apps.llm.gate import Gate
from apps.llm.providers.scripted import Script, Scripted
from apps.llm.router import Router
from apps.llm.settings import LlmSettings
from apps.llm.shared_gate import SharedGate, keys
from tests.llm.asking import collect, question, until

SLOTS = 4
PEOPLE = 9
ROUNDS = 4
ANSWER = Script(tokens=["a", "b"], delay=0.04)


@pytest.fixture
def kind() -> str:
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture
async def processes(kind: str) -> AsyncIterator[list[Router]]:
    """Two routers, as two web processes have them, over one server with few slots."""
    settings = LlmSettings(kinds=(), slots={kind: SLOTS}, redis_url=django_settings.REDIS_URL)
    routers = [Router(settings, {kind: [Scripted(ANSWER, kind=kind)]}) for _ in range(2)]
    yield routers
    for router in routers:
        await router.close()
    async with Redis.from_url(django_settings.REDIS_URL) as redis:
        await redis.delete(*keys(kind))


async def ask(router: Router, kind: str, who: str) -> None:
    await collect(router.stream(router.resolve(kind), question(), who=who))


async def person(router: Router, kind: str, who: str) -> None:
    """Asks some questions, one after the other."""
    for _ in range(ROUNDS):
        await ask(router, kind, who)


async def test_fifty_questions_of_one_take_less_than_half_of_the_model_from_nine_others(
    processes: list[Router], kind: str
) -> None:
    greedy = [asyncio.create_task(ask(processes[number % 2], kind, "greedy")) for number in range(50)]
    await until(lambda: sum(router.gate(kind).waiting for router in processes) > 40)
    before = sum(task.done() for task in greedy)
    await asyncio.gather(*(person(processes[number % 2], kind, f"person {number}") for number in range(PEOPLE)))
    served = sum(task.done() for task in greedy) - before
    for task in greedy:
        task.cancel()
    await asyncio.gather(*greedy, return_exceptions=True)
    assert 0 < served <= PEOPLE * ROUNDS / 2


async def test_whoever_waits_is_told_the_place_and_leaves_it_when_cancelled(processes: list[Router], kind: str) -> None:
    one, other = processes
    held = [asyncio.create_task(hold(one, kind)) for _ in range(SLOTS)]
    await until(lambda: one.gate(kind).inside == SLOTS)
    async with aclosing(other.stream(other.resolve(kind), question(), who="b")) as events:
        assert await anext(events) == Progress("queued", 1)
    await until(lambda: other.gate(kind).waiting == 0)
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)


async def hold(router: Router, kind: str) -> None:
    """Take a place and keep it."""
    async with aclosing(router.stream(router.resolve(kind), question(), who="a")) as events:
        async for event in events:
            if event == Progress("reading"):
                await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("kind", "slots", "limit", "shared"),
    [
        ("builtin", {}, 4, True),
        ("ollama", {}, 1, True),
        ("ollama", {"ollama": 3}, 3, True),
        ("openai", {}, 512, False),
        ("openai", {"openai": 8}, 16, True),
        ("gemini", {}, 128, False),
    ],
)
def test_only_servers_that_answer_few_at_once_have_a_line_for_all_processes(
    kind: str, slots: dict[str, int], limit: int, shared: bool
) -> None:
    servers = [Scripted() for _ in range(1 if kind in {"builtin", "ollama"} else 2)]
    settings = LlmSettings(slots=slots, redis_url="redis://127.0.0.1:1/0")
    gate = Router(settings, {kind: servers}).gate(kind)
    assert (gate.limit, isinstance(gate, SharedGate)) == (limit, shared)


def test_without_redis_every_process_has_its_own_line() -> None:
    assert type(Router(LlmSettings(), {"builtin": [Scripted()]}).gate("builtin")) is Gate
