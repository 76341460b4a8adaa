"""Killed processes: what was accepted is kept, all but the last words are kept, and one can go on."""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial

import pytest

from tests.faults.conftest import Measured
from tests.faults.house import FAULTS, TOKENS_PER_SECOND, House, count_of, numbered
from tests.faults.talk import Talk, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(max(300, 20 * FAULTS))]
LOST_SECONDS = 0.5  # R2
SLACK = 0.5  # for machines that do ten other things


async def test_an_accepted_question_survives_kill_9_of_its_process(house: House, chance: random.Random) -> None:
    chat = house.new_conversation()
    for number in range(FAULTS):
        web = house.web[number % 2]
        async with Talk(house, web, chat) as talk:
            accepted = await talk.ask(f"Question {number}")
            await asyncio.sleep(chance.uniform(0, 0.2))
            web.kill()
        assert house.text_of(accepted["question"]) == f"Question {number}"
        web.start()


async def test_an_accepted_question_survives_a_crash_of_the_database(house: House, chance: random.Random) -> None:
    chat = house.new_conversation()
    for number in range(FAULTS):
        async with Talk(house, house.web[number % 2], chat) as talk:
            accepted = await talk.ask(f"Question {number}", model="openai:tokens-10")
            await asyncio.sleep(chance.uniform(0, 0.3))
            house.crash_database()
            house.launch(house.postgres)
            await until(house.postgres.ready)
            assert house.text_of(accepted["question"]) == f"Question {number}"
            assert (await talk.done(accepted["turn"]))["finish_reason"] == "stop"
            assert count_of(talk.text(accepted["turn"])) == 10
        assert house.text_of(accepted["answer"]) == numbered(1, 10)


async def test_kill_9_in_mid_answer_costs_half_a_second_of_words_at_most(
    house: House, chance: random.Random, measured: Measured
) -> None:
    for number in range(FAULTS):
        web, chat = house.web[number % 2], house.new_conversation()
        async with Talk(house, web, chat) as talk:
            before = house.model_stats()["tokens"]
            accepted = await talk.ask(model="openai:tokens-400")
            await asyncio.sleep(chance.uniform(0.5, 3))
            web.kill()
            sent = house.model_stats()["tokens"] - before
            seen = count_of(talk.text(accepted["turn"]))
        web.start()
        began = time.monotonic()
        await until(partial(is_interrupted, house, accepted["turn"]), 60)  # 1 to 3 s, unless the machine is full
        repaired = time.monotonic() - began
        kept = count_of(house.text_of(accepted["answer"]))
        measured(f"kill {number}", f"sent {sent}, seen {seen}, kept {kept}, repaired after {repaired:.2f} s")
        assert sent - kept <= (LOST_SECONDS + SLACK) * TOKENS_PER_SECOND
        await check_going_on(house, chat, accepted, kept)


def is_interrupted(house: House, turn: str) -> bool:
    return house.state_of(turn) == "interrupted"


async def check_going_on(house: House, chat: str, accepted: dict[str, str], kept: int) -> None:
    """Who comes back hears the end, whatever they had heard; continuing goes on with the next word."""
    async with Talk(house, house.web[0], chat) as talk:
        await talk.say(type="attach", turn=accepted["turn"], after=10_000)
        assert (await talk.done(accepted["turn"]))["finish_reason"] == "interrupted"
        again = await talk.request(type="continue", turn=accepted["turn"])
        await until(lambda: talk.last_seq(again["turn"]) >= 5)
        await talk.say(type="stop", turn=again["turn"])
        await talk.done(again["turn"])
        spoken = talk.text(again["turn"])
    assert spoken == numbered(kept + 1, kept + spoken.count("t"))
    assert house.text_of(accepted["answer"]) == numbered(1, kept) + spoken


async def test_a_turn_without_a_living_process_is_ended_by_another_one(house: House, measured: Measured) -> None:
    chat = house.new_conversation()
    async with Talk(house, house.web[0], chat) as first, Talk(house, house.web[1], chat) as other:
        accepted = await first.ask(model="openai:tokens-2000")
        await other.say(type="attach", turn=accepted["turn"], after=0)
        await until(lambda: other.last_seq(accepted["turn"]) > 5)
        house.web[0].kill()
        took = await until(lambda: other.of("done", accepted["turn"]), 60)
        measured("ended by another process after", f"{took:.1f} s")
        assert other.of("done", accepted["turn"])[0]["finish_reason"] == "interrupted"
        assert house.text_of(accepted["answer"]) == other.text(accepted["turn"])
    assert count_of(house.text_of(accepted["answer"])) > 5
