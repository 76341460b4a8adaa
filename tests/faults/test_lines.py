"""One line before a model for several real processes: places, killed processes, and a Redis that hangs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.conftest import Measured
from tests.faults.house import House, WebProcess, two_webs
from tests.faults.talk import Talk, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SLOTS = 2
LONG, SHORT = "openai:tokens-4000", "openai:tokens-5"
WITHIN = 6.0  # seconds until a killed process's places are others': its lease and a look at the line
BUSY = 10.0


@pytest.fixture
def narrow(house: House) -> Iterator[list[WebProcess]]:
    """Two web processes whose model answers two questions at once."""
    with two_webs(house, "narrow", AI_SLOTS=f"openai={SLOTS}") as found:
        yield found


def place(talk: Talk, turn: str) -> list[int | None]:
    """The places that were told of."""
    return [frame.get("position") for frame in talk.of("status", turn) if frame["state"] == "queued"]


async def fill(talk: Talk) -> list[str]:
    """Take all places with long answers."""
    turns = [(await talk.ask(f"Go on {number}", model=LONG))["turn"] for number in range(SLOTS)]
    await until(lambda: all(talk.text(turn) for turn in turns), what="words of all that are inside")
    return turns


async def test_the_place_in_the_line_is_told_across_processes(house: House, narrow: list[WebProcess]) -> None:
    one, other = narrow
    async with Talk(house, one, house.new_conversation()) as busy, Talk(house, other, house.new_conversation()) as late:
        turns = await fill(busy)
        waiting = [(await late.ask(f"And {number}", model=SHORT))["turn"] for number in range(2)]
        await until(lambda: place(late, waiting[0])[-1:] == [1] and place(late, waiting[1])[-1:] == [2])
        await busy.say(type="stop", turn=turns[0])
        for turn in waiting:
            assert (await late.done(turn))["finish_reason"] == "stop"
        await busy.say(type="stop", turn=turns[1])
        await busy.done(turns[1])


async def test_the_places_of_a_killed_process_are_free_within_seconds(
    house: House, narrow: list[WebProcess], measured: Measured
) -> None:
    one, other = narrow
    async with Talk(house, one, house.new_conversation()) as busy, Talk(house, other, house.new_conversation()) as late:
        await fill(busy)
        turn = (await late.ask("And I?", model=SHORT))["turn"]
        await until(lambda: place(late, turn) == [1])
        one.kill()
        measured("first word after", await until(lambda: late.text(turn), WITHIN + BUSY, "a word"))
        await late.done(turn)


async def test_while_redis_hangs_nobody_waits_for_the_line(
    house: House, narrow: list[WebProcess], measured: Measured
) -> None:
    _, web = narrow
    async with Talk(house, web, house.new_conversation()) as talk:
        await talk.done((await talk.ask("Before", model=SHORT))["turn"])
        house.redis_proxy.set("hang")
        for number in range(3):
            turn = (await talk.ask(f"During {number}", model=SHORT))["turn"]
            measured("first word", await until(lambda turn=turn: talk.text(turn), 5.0))  # type: ignore[misc]
            await talk.done(turn)
        house.redis_proxy.set("up")
