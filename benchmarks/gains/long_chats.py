"""Long conversations: what 100 and 1,000 messages cost against 10, on the page and before an answer begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing

from benchmarks.gains.debugging import loaded
from benchmarks.gains.scenario import Facts, Pair, Probe, Scenario
from benchmarks.gains.stage import Stage
from benchmarks.household import Household
from benchmarks.reading import read
from benchmarks.wire import Wire

SHORT = 10
PATIENCE = 60.0


def page(messages: int) -> Scenario:
    """The page of a conversation."""

    def opening(stage: Stage) -> Pair:
        house = stage.plain()
        return Pair(shown(stage, house, messages), shown(stage, house, SHORT))

    title = f"The page of a chat: {messages:,} messages"
    return against_short(messages, f"long-page-{messages}", title, "How many messages the conversation has.", opening)


def shown(stage: Stage, house: Household, messages: int) -> Probe:
    """Load the page; the proof is how many bytes it has and how many messages are behind it."""
    who, path = stage.visitor(house, messages), f"/c/{stage.seat(messages).conversation}/"
    return Probe(lambda: loaded(who, path), lambda: {"messages": messages, "bytes": len(who.get(path).body)})


def answer(messages: int) -> Scenario:
    """The first word of an answer at the end of a conversation."""

    def opening(stage: Stage) -> Pair:
        house = stage.web(model=stage.model("--rate", "0", "--tokens", "1"))
        return Pair(started(stage, house, messages), started(stage, house, SHORT))

    title = f"The first word in a chat of {messages:,} messages"
    switched = "How many messages the conversation has; the model takes no time."
    return against_short(messages, f"long-start-{messages}", title, switched, opening)


def started(stage: Stage, house: Household, messages: int) -> Probe:
    """Ask over an open socket, as the page does."""
    (seat,) = stage.stores().seats(1, messages=messages)
    wire = stage.enter(closing(stage.run(Wire.connect(house.port, seat.path, seat.cookie))))

    async def ask() -> float:
        turn = wire.ask("One more, please.")
        await asyncio.wait_for(turn.ended, PATIENCE)
        return read(turn).first * 1000

    def proof() -> Facts:
        return {"messages": messages}

    return Probe(lambda: stage.run(ask()), proof)


def against_short(messages: int, name: str, title: str, switched: str, opening: Callable[[Stage], Pair]) -> Scenario:
    """A conversation of so many messages against a short one."""
    return Scenario(
        name=name,
        title=title,
        switched=switched,
        baseline=f"{messages:,} messages",
        optimised=f"{SHORT} messages",
        unit="ms",
        open=opening,
        groups=("long",),
        pairs=20,
        warm_up=3,
        seconds=20,
    )


SCENARIOS = (page(100), page(1000), answer(100), answer(1000))
