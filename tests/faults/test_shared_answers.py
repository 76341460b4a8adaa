"""Cache and single flight over real processes: killed, stopped, without Redis, and with fifty questions at once."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import pytest
from redis import Redis as RedisClient

from tests.faults.conftest import Measured
from tests.faults.house import House, WebProcess, count_of, numbered
from tests.faults.proxy import Mode
from tests.faults.talk import Frame, Talk, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
MODEL = "openai:tokens-60"  # three seconds


async def entered(stack: AsyncExitStack, house: House, web: WebProcess) -> Talk:
    return await stack.enter_async_context(Talk(house, web, house.new_conversation()))


async def whole(talk: Talk, accepted: Frame) -> str:
    end = await talk.done(accepted["turn"])
    assert end["finish_reason"] == "stop"
    return talk.text(accepted["turn"])


async def test_fifty_equal_questions_cost_one_generation(
    house: House, pair: list[WebProcess], measured: Measured
) -> None:
    before = house.model_stats()["started"]
    async with AsyncExitStack() as stack:
        talks = [await entered(stack, house, pair[number % 2]) for number in range(50)]
        began = time.monotonic()
        accepted = await asyncio.gather(*(talk.ask("The same", model=MODEL) for talk in talks))
        measured("all accepted after", f"{time.monotonic() - began:.2f} s")
        texts = await asyncio.gather(*(whole(*pair) for pair in zip(talks, accepted, strict=True)))
    assert set(texts) == {numbered(1, 60)}
    assert house.model_stats()["started"] - before == 1


async def test_an_answer_is_found_after_a_restart_and_in_another_process(house: House, pair: list[WebProcess]) -> None:
    async with AsyncExitStack() as stack:
        first = await entered(stack, house, pair[0])
        await whole(first, await first.ask("Once", model=MODEL))
        pair[0].kill()
        pair[0].revive()
        for web in pair:
            talk = await entered(stack, house, web)
            accepted = await talk.ask("Once", model=MODEL)
            assert await whole(talk, accepted) == numbered(1, 60)
            assert (await talk.done(accepted["turn"]))["cached"] is True


async def test_if_the_first_is_stopped_in_its_process_the_others_go_on(house: House, pair: list[WebProcess]) -> None:
    async with AsyncExitStack() as stack:
        first, second, third = [await entered(stack, house, pair[number]) for number in (0, 1, 1)]
        leading = await first.ask("Stop one", model=MODEL)
        await until(lambda: first.last_seq(leading["turn"]) > 3)
        following = [(talk, await talk.ask("Stop one", model=MODEL)) for talk in (second, third)]
        await until(lambda: all(talk.last_seq(accepted["turn"]) for talk, accepted in following))
        await first.say(type="stop", turn=leading["turn"])
        assert (await first.done(leading["turn"]))["finish_reason"] == "stopped"
        for talk, accepted in following:  # the stand-in says sixty more when it goes on
            assert count_of(await whole(talk, accepted)) >= 60


async def test_if_the_first_ones_process_is_killed_the_others_go_on(
    house: House, pair: list[WebProcess], measured: Measured
) -> None:
    async with AsyncExitStack() as stack:
        first, second = [await entered(stack, house, web) for web in pair]
        leading = await first.ask("Kill one", model=MODEL)
        await until(lambda: first.last_seq(leading["turn"]) > 3)
        accepted = await second.ask("Kill one", model=MODEL)
        await until(lambda: second.last_seq(accepted["turn"]) > 0)
        pair[0].kill()
        began = time.monotonic()
        pair[0].revive()
        assert count_of(await whole(second, accepted)) >= 60
        measured("whole after", f"{time.monotonic() - began:.2f} s")


@pytest.mark.parametrize("mode", ["refuse", "hang"])
async def test_without_redis_everything_is_answered_uncached(
    house: House, pair: list[WebProcess], mode: Mode, measured: Measured
) -> None:
    async with AsyncExitStack() as stack:
        talk = await entered(stack, house, pair[0])
        await whole(talk, await talk.ask("Kept", model="openai:tokens-4"))
        before = len(pair[0].log())
        house.redis_proxy.set(mode)
        for number in range(3):
            again = await entered(stack, house, pair[0])
            began = time.monotonic()
            accepted = await again.ask("Kept", model="openai:tokens-4")
            measured(f"question {number + 1} accepted after", f"{time.monotonic() - began:.3f} s")
            assert await whole(again, accepted) == numbered(1, 4)
            assert (await again.done(accepted["turn"]))["cached"] is False
        house.redis_proxy.set("up")
        await until(lambda: "Redis is back" in pair[0].log()[before:])
        assert pair[0].log()[before:].count("goes on without its caches") == 1
        back = await entered(stack, house, pair[0])
        accepted = await back.ask("Kept", model="openai:tokens-4")
        await whole(back, accepted)
        assert (await back.done(accepted["turn"]))["cached"] is True


async def test_a_wiped_redis_costs_the_cache_alone(house: House, pair: list[WebProcess]) -> None:
    async with AsyncExitStack() as stack:
        for cached in (False, True):
            with RedisClient(unix_socket_path=str(house.redis.socket)) as redis:
                redis.flushall() if not cached else None
            talk = await entered(stack, house, pair[0])
            accepted = await talk.ask("Wiped", model="openai:tokens-4")
            assert await whole(talk, accepted) == numbered(1, 4)
            assert (await talk.done(accepted["turn"]))["cached"] is cached
