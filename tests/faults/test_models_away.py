"""A model server that is down, slow or out of its mind: a clear word, the end of the turn, and the next one works."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from nitro.process import end
from tests.faults.conftest import Measured
from tests.faults.house import House, count_of
from tests.faults.talk import Talk, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
CONNECT_SECONDS = 5.0
FIRST_TOKEN_SECONDS = 30.0
SLACK = 3.0
SAID_BEFORE = {"half-line": 40, "cut-at-7": 7, "error-at-7": 7}
MODES = [
    "refuse", "garbage", "html-page", "half-line", "cut-at-7", "error-at-7", "hang", "context",
    *(f"fail-{status}" for status in (400, 401, 403, 404, 429, 500, 502, 503)),
]  # fmt: skip


async def ask_in_vain(house: House, mode: str, number: int) -> float:
    """Ask a model that behaves like this; returns how long its failure took."""
    async with Talk(house, house.web[number % 2], house.new_conversation()) as talk:
        began = time.monotonic()
        accepted = await talk.ask(model=f"openai:{mode}")
        done = await talk.done(accepted["turn"], FIRST_TOKEN_SECONDS + SLACK)
        took = time.monotonic() - began
        (error,) = talk.of("error", accepted["turn"])
        assert done["finish_reason"] == "failed"
        assert error["message"]
        assert error["hint"]
        assert count_of(talk.text(accepted["turn"])) == SAID_BEFORE.get(mode, 0)
        again = await talk.ask("And now?", model="openai:tokens-5")
        await talk.done(again["turn"])
        assert count_of(talk.text(again["turn"])) == 5
    assert house.state_of(accepted["turn"]) == "failed"
    return took


async def test_every_failure_of_a_model_is_told_and_the_next_answer_comes(house: House, measured: Measured) -> None:
    times = await asyncio.gather(*(ask_in_vain(house, mode, number) for number, mode in enumerate(MODES)))
    took = dict(zip(MODES, times, strict=True))
    measured("seconds until told", ", ".join(f"{mode} {seconds:.2f}" for mode, seconds in took.items()))
    assert took.pop("hang") < FIRST_TOKEN_SECONDS + SLACK
    took.pop("half-line")  # which says all of its words first
    assert max(took.values()) < CONNECT_SECONDS


async def test_a_model_server_that_is_down_is_told_within_seconds(house: House, measured: Measured) -> None:
    end(house.children["model"], signal.SIGKILL, 5)
    async with Talk(house, house.web[0], house.new_conversation()) as talk:
        began = time.monotonic()
        accepted = await talk.ask(model="openai:tokens-5")
        await talk.done(accepted["turn"], CONNECT_SECONDS + SLACK)
        measured("told after", f"{time.monotonic() - began:.3f} s")
        assert talk.of("error", accepted["turn"])[0]["code"] == "provider_unreachable"
        house.start_model()
        again = await talk.ask(model="openai:tokens-5")
        await talk.done(again["turn"])
        assert count_of(talk.text(again["turn"])) == 5


async def test_a_model_server_that_dies_in_mid_answer_ends_the_turn_with_its_words(house: House) -> None:
    async with Talk(house, house.web[0], house.new_conversation()) as talk:
        accepted = await talk.ask(model="openai:tokens-2000")
        await until(lambda: count_of(talk.text(accepted["turn"])) > 5, what="some words")
        end(house.children["model"], signal.SIGKILL, 5)
        assert (await talk.done(accepted["turn"], CONNECT_SECONDS))["finish_reason"] == "failed"
        assert house.text_of(accepted["answer"]) == talk.text(accepted["turn"])
        assert count_of(talk.text(accepted["turn"])) > 5
