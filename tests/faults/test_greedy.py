"""R15: somebody greedy cannot slow nine others down to less than half of their speed alone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack

import pytest

from tests.faults.conftest import Measured
from tests.faults.house import House, WebProcess, two_webs
from tests.faults.talk import Talk, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SLOTS, OTHERS, ROUNDS, GREEDY = 4, 9, 3, 50
ANSWER = "openai:tokens-10"  # half a second


@pytest.fixture
def narrow(house: House) -> Iterator[list[WebProcess]]:
    """Two web processes whose model answers four questions at once."""
    with two_webs(house, "greedy", AI_SLOTS=f"openai={SLOTS}") as found:
        yield found


@pytest.fixture
async def talks(house: House, narrow: list[WebProcess]) -> AsyncIterator[list[Talk]]:
    """A socket for each person; the first one is the greedy one's."""
    keys = json.loads(house._run("-m", "benchmarks.keys", str(1 + OTHERS)))
    async with AsyncExitStack() as stack:
        opened = []
        for number, key in enumerate(keys):
            talk = Talk(house, narrow[number % 2], chat_of(house, f"bench{number}"))
            talk.headers = {"Authorization": f"Bearer {key}"}
            opened.append(await stack.enter_async_context(talk))
        yield opened


def chat_of(house: House, name: str) -> str:
    statement = """INSERT INTO chat_conversation (id, owner_id, title, model, created_at, updated_at)
        SELECT gen_random_uuid(), id, '', '', now(), now() FROM nitro_user WHERE username = %s RETURNING id"""
    return str(house.rows(statement, name)[0][0])


async def person(talk: Talk) -> None:
    """Asks some questions, one after the other."""
    for number in range(ROUNDS):
        accepted = await talk.ask(f"Question {number}", model=ANSWER)
        assert (await talk.done(accepted["turn"], 120))["finish_reason"] == "stop"


async def seconds_of(others: Sequence[Talk]) -> float:
    began = time.monotonic()
    await asyncio.gather(*(person(talk) for talk in others))
    return time.monotonic() - began


async def test_fifty_questions_of_one_take_at_most_half_of_the_model_from_nine_others(
    talks: list[Talk], measured: Measured
) -> None:
    greedy, *others = talks
    alone = await seconds_of(others)
    turns = [(await greedy.ask(f"More {number}", model=ANSWER))["turn"] for number in range(GREEDY)]
    await until(lambda: len(greedy.of("done")) >= SLOTS, what="that the greedy one is being served")
    before = len(greedy.of("done"))
    beside = await seconds_of(others)
    served = len(greedy.of("done")) - before
    for turn in turns:
        await greedy.say(type="stop", turn=turn)
    measured(
        f"{OTHERS * ROUNDS} answers of nine people alone, and beside the greedy one", f"{alone:.2f}, {beside:.2f} s"
    )
    measured("answers of the greedy one meanwhile", served)
    assert served <= OTHERS * ROUNDS
