"""PostgreSQL restarted and Redis gone: sockets stay open, answers go on, and hardly anybody notices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from tests.faults.conftest import Measured
from tests.faults.house import House, count_of, numbered
from tests.faults.proxy import Mode
from tests.faults.talk import Frame, Talk, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
RECOVERED_SECONDS = 5.0  # R8: after that nobody hears of it any more
HEARD_SECONDS = 10.0  # Redis is back, and with it what processes tell each other
STOPPED_SECONDS = 3.0  # less than the 4 between two looks into the rows, so that it was the news that told it


class Asker:
    """Asks all the time; keeps what was accepted, and when an error came."""

    def __init__(self, talk: Talk, number: int) -> None:
        self.talk, self.number = talk, number
        self.accepted: list[Frame] = []
        self.errors: list[tuple[float, Frame]] = []

    async def ask(self, until_time: Callable[[], bool]) -> None:
        while not until_time():
            text = f"{self.number}.{len(self.accepted)}"
            reply = await self.talk.request(type="ask", text=text, model="openai:tokens-4")
            if reply["type"] != "accepted":
                self.errors.append((time.monotonic(), reply))
                await asyncio.sleep(0.5)
                continue
            self.accepted.append(reply | {"text": text})
            await self.talk.done(reply["turn"])


@pytest.mark.parametrize("crash", [False, True], ids=["stopped in order", "crashed"])
async def test_a_restart_of_the_database_is_hardly_noticed(house: House, crash: bool, measured: Measured) -> None:
    talks = [Talk(house, house.web[number % 2], house.new_conversation()) for number in range(10)]
    await asyncio.gather(*(talk.__aenter__() for talk in talks))
    askers, over = [Asker(talk, number) for number, talk in enumerate(talks)], asyncio.Event()
    asking = [asyncio.ensure_future(asker.ask(over.is_set)) for asker in askers]
    await asyncio.sleep(2)
    await asyncio.to_thread(house.crash_database if crash else house.stop_database)
    house.launch(house.postgres)
    await until(house.postgres.ready)
    back = time.monotonic()
    await asyncio.sleep(RECOVERED_SECONDS + 3)
    over.set()
    await asyncio.gather(*asking)
    errors = [error for asker in askers for error in asker.errors]
    measured("errors", f"{len(errors)}, the last {max((at - back for at, _ in errors), default=0):.1f} s after")
    assert {talk.code for talk in talks} == {None}
    assert all(len(asker.errors) <= 1 for asker in askers), errors
    assert all(at - back < RECOVERED_SECONDS for at, _ in errors), errors
    check_saved(house, askers)
    await asyncio.gather(*(talk.__aexit__(None, None, None) for talk in talks))


def check_saved(house: House, askers: list[Asker]) -> None:
    """Everything that was accepted is there, whole."""
    for asker in askers:
        assert len(asker.accepted) > 5
        for reply in asker.accepted:
            assert house.text_of(reply["question"]) == reply["text"]
            assert house.text_of(reply["answer"]) == numbered(1, 4)


@pytest.mark.parametrize("mode", ["refuse", "hang"])
async def test_the_chat_works_while_redis_is_away(house: House, mode: Mode, measured: Measured) -> None:
    chat = house.new_conversation()
    async with Talk(house, house.web[0], chat) as first, Talk(house, house.web[1], chat) as other:
        running = await first.ask(model="openai:tokens-160")
        await until(lambda: first.last_seq(running["turn"]) > 3)
        house.redis_proxy.set(mode)
        await other.say(type="attach", turn=running["turn"], after=0)
        began = time.monotonic()
        asked = await other.ask("While Redis is away")
        measured("accepted after", f"{time.monotonic() - began:.3f} s")
        assert count_of(other.text((await other.done(asked["turn"]))["turn"])) == 40
        await until(lambda: other.last_seq(running["turn"]) > 5, 20)
        house.redis_proxy.set("up")
        for talk in (first, other):
            await talk.done(running["turn"])
            assert count_of(talk.text(running["turn"])) == 160
            assert talk.code is None


async def heard_by(first: Talk, other: Talk) -> float:
    """Seconds until a question that one process was asked from now on is news in the other one."""
    asked: set[str] = set()

    def has_heard() -> bool:
        return any(frame.get("turn") in asked for frame in first.of("news"))

    began = time.monotonic()
    while not has_heard():
        assert time.monotonic() - began < HEARD_SECONDS, f"{len(asked)} questions, and no news of them"
        asked.add((await other.ask(model="openai:tokens-4"))["turn"])
        await asyncio.sleep(0.2)
    return time.monotonic() - began


def lost_news(house: House) -> list[int]:
    """How often each web process could tell the others nothing."""
    return [web.log().count("News could not be published") for web in house.web]


@pytest.mark.parametrize("mode", ["refuse", "hang"])
async def test_processes_hear_each_other_again_when_redis_is_back(house: House, mode: Mode, measured: Measured) -> None:
    chat = house.new_conversation()
    async with Talk(house, house.web[0], chat) as first, Talk(house, house.web[1], chat) as other:
        before = lost_news(house)
        house.redis_proxy.set(mode)
        running, _ = await first.ask(model="openai:tokens-2000"), await other.ask(model="openai:tokens-4")
        await until(lambda: all(now > then for now, then in zip(lost_news(house), before, strict=True)))
        house.redis_proxy.set("up")
        measured("news came again after", f"{await heard_by(first, other):.2f} s")
        await other.say(type="stop", turn=running["turn"])
        took = await until(lambda: first.of("done", running["turn"]), STOPPED_SECONDS)
        measured("stopped from the other process after", f"{took:.2f} s")
