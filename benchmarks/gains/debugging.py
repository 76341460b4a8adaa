"""Debug against production mode: a page, and an answer."""

from __future__ import annotations

from functools import partial

from benchmarks.gains.scenario import Facts, Pair, Probe, Scenario
from benchmarks.gains.stage import Stage
from benchmarks.gains.talking import Client, new_question

DEBUGGING = {"DEBUG_MODE": "true", "LOG_LEVEL": "DEBUG"}
NOWHERE = "/no-such-page/"
GUIDE = "10-15 % faster"


def page(stage: Stage) -> Pair:
    """The page of a short conversation."""
    seat = stage.seat(10)
    path = f"/c/{seat.conversation}/"
    visitors = [stage.visitor(stage.web(settings), 10) for settings in (DEBUGGING, {})]
    return Pair(*(Probe(partial(loaded, who, path), partial(mode, who)) for who in visitors))


def loaded(who: Client, path: str) -> float:
    """Milliseconds for a page."""
    answer = who.get(path)
    assert answer.status == 200, answer.status
    return answer.seconds * 1000


def mode(who: Client) -> Facts:
    """Django explains itself to strangers in debug mode alone."""
    return {"debug": b"DEBUG = True" in who.get(NOWHERE).body}


def answer(stage: Stage) -> Pair:
    """An answer of a model that takes no time."""
    port = stage.model("--rate", "0", "--tokens", "100")
    houses = [stage.web(settings, model=port) for settings in (DEBUGGING, {})]
    return Pair(
        *(Probe(partial(answered, stage.program(house)), partial(mode, stage.visitor(house))) for house in houses)
    )


def answered(asking: Client) -> float:
    """Milliseconds for an answer."""
    return asking.chat(new_question(), cache=False).seconds * 1000


SCENARIOS = (
    Scenario(
        name="debug-page",
        title="A page in production mode",
        switched="DEBUG_MODE and LOG_LEVEL: true and DEBUG, or false and WARNING.",
        baseline="debug",
        optimised="production",
        unit="ms",
        open=page,
        guide=GUIDE,
        groups=("server",),
        pairs=30,
        warm_up=5,
    ),
    Scenario(
        name="debug-answer",
        title="An answer in production mode",
        switched="DEBUG_MODE and LOG_LEVEL: true and DEBUG, or false and WARNING; the model takes no time.",
        baseline="debug",
        optimised="production",
        unit="ms",
        open=answer,
        guide=GUIDE,
        groups=("server",),
        pairs=30,
        warm_up=5,
    ),
)
