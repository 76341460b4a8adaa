"""People who come, go, ask twice and stop, at any process: one answer, every word once."""

from __future__ import annotations

import asyncio
import random
import uuid

import pytest

from tests.faults.conftest import Measured
from tests.faults.house import House, count_of
from tests.faults.talk import Talk, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def come_back(house: House, chance: random.Random, first: int) -> None:
    """Ask at one process, leave, come back at the other one, perhaps more than once."""
    chat, web = house.new_conversation(), first
    async with Talk(house, house.web[web], chat) as talk:
        accepted = await talk.ask()
        await asyncio.sleep(chance.uniform(0, 1))
        text, seq = talk.text(accepted["turn"]), talk.last_seq(accepted["turn"])
    for _ in range(3):
        web = 1 - web
        async with Talk(house, house.web[web], chat) as talk:
            await talk.say(type="attach", turn=accepted["turn"], after=seq)
            await asyncio.sleep(chance.uniform(0, 1))
            text, seq = text + talk.text(accepted["turn"]), seq + len(talk.of("delta"))
    async with Talk(house, house.web[1 - web], chat) as talk:
        await talk.say(type="attach", turn=accepted["turn"], after=seq)
        end = await talk.done(accepted["turn"])
        deltas = talk.of("delta", accepted["turn"])
    assert [frame["seq"] for frame in deltas] == list(range(seq + 1, end["seq"]))
    assert count_of(text + "".join(frame["text"] for frame in deltas)) == 40


async def test_whoever_comes_back_anywhere_sees_every_word_once(house: House, chance: random.Random) -> None:
    await asyncio.gather(*(come_back(house, chance, number % 2) for number in range(20)))


async def test_the_same_ask_twenty_times_at_once_is_answered_once(house: House) -> None:
    for _ in range(5):
        chat, identity = house.new_conversation(), str(uuid.uuid4())
        before = house.model_stats()["started"]
        talks = [Talk(house, house.web[number % 2], chat) for number in range(20)]
        await asyncio.gather(*(talk.__aenter__() for talk in talks))
        replies = await asyncio.gather(*(talk.ask(id=identity, model="openai:tokens-5") for talk in talks))
        await asyncio.gather(*(talk.done(replies[0]["turn"]) for talk in talks))
        assert len({reply["turn"] for reply in replies}) == 1
        assert {count_of(talk.text(replies[0]["turn"])) for talk in talks} == {5}
        assert house.model_stats()["started"] - before == 1
        assert house.rows("SELECT count(*) FROM chat_message WHERE conversation_id = %s", chat) == [(2,)]
        await asyncio.gather(*(talk.__aexit__(None, None, None) for talk in talks))


@pytest.mark.parametrize("where", [0, 1], ids=["the same process", "the other process"])
async def test_stop_is_answered_and_frees_the_model(house: House, where: int, measured: Measured) -> None:
    chat = house.new_conversation()
    async with Talk(house, house.web[0], chat) as asking, Talk(house, house.web[where], chat) as stopping:
        accepted = await asking.ask(model="openai:tokens-2000")
        await until(lambda: asking.last_seq(accepted["turn"]) > 3)
        await stopping.say(type="stop", turn=accepted["turn"])
        answered = await until(lambda: asking.of("done", accepted["turn"]), 5)
        freed = await until(lambda: house.model_stats()["open_streams"] == 0, 5)
        measured("stopped", f"answered after {answered:.3f} s, slot free {freed:.3f} s later")
        assert asking.of("done", accepted["turn"])[0]["finish_reason"] == "stopped"
    assert house.text_of(accepted["answer"]) == asking.text(accepted["turn"])
