"""Who failed again and again is left alone for a while: the breaker by itself, and in the router."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from apps.llm.breaker import FIRST_PAUSE, LONGEST_PAUSE, OPENS_AFTER, Breaker
from apps.llm.errors import Garbled, Overloaded, ProviderError, Refused, Resting, Unreachable
from apps.llm.events import Chosen, Progress, TextDelta
from apps.llm.farm import Condition
from apps.llm.providers.base import Provider
from apps.llm.providers.scripted import Script, Scripted, numbered
from apps.llm.router import Router
from apps.llm.settings import LlmSettings
from tests.llm.asking import collect, each_closed, failing, question, text_of

GONE = Unreachable("gone")
ONE = Script(tokens=["one"])
Make = Callable[..., Router]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


@pytest.fixture
def opened(breaker: Breaker) -> Breaker:
    fail(breaker, OPENS_AFTER)
    return breaker


def fail(breaker: Breaker, times: int = 1, failure: ProviderError = GONE) -> None:
    for _ in range(times):
        with breaker.attempt():
            breaker.failed(failure)


# --- by itself ------------------------------------------------------------------------------------------------------


def test_it_stays_closed_until_three_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, OPENS_AFTER - 1)
    assert (breaker.state, breaker.lets_through(), breaker.wait) == ("closed", True, 0.0)
    fail(breaker)
    assert (breaker.state, breaker.lets_through(), breaker.wait) == ("open", False, FIRST_PAUSE)


def test_an_answer_in_between_starts_the_count_again(breaker: Breaker) -> None:
    for _ in range(3):
        fail(breaker, OPENS_AFTER - 1)
        breaker.succeeded()
    assert breaker.state == "closed"


def test_after_the_pause_one_probe_goes_out(opened: Breaker, clock: Clock) -> None:
    clock.now += FIRST_PAUSE
    assert (opened.state, opened.lets_through()) == ("half-open", True)
    with opened.attempt():
        assert not opened.lets_through()


def test_a_probe_that_was_stopped_makes_room_for_another(opened: Breaker, clock: Clock) -> None:
    clock.now += FIRST_PAUSE
    with opened.attempt():
        pass
    assert (opened.state, opened.lets_through()) == ("half-open", True)


def test_a_probe_that_succeeds_closes_it(opened: Breaker, clock: Clock) -> None:
    clock.now += FIRST_PAUSE
    with opened.attempt():
        opened.succeeded()
    assert (opened.state, opened.failures, opened.last_failure) == ("closed", 0, None)


def test_the_pause_grows_with_each_probe_that_fails_but_not_for_ever(opened: Breaker, clock: Clock) -> None:
    pauses = []
    for _ in range(6):
        pauses.append(opened.wait)
        clock.now += opened.wait
        fail(opened)
    assert pauses == [5.0, 10.0, 20.0, 40.0, LONGEST_PAUSE, LONGEST_PAUSE]


def test_failures_of_calls_that_were_under_way_do_not_lengthen_the_pause(opened: Breaker) -> None:
    for _ in range(10):
        opened.failed(GONE)
    assert opened.wait == FIRST_PAUSE


def test_a_server_that_said_when_to_come_back_is_not_asked_before(breaker: Breaker) -> None:
    fail(breaker, OPENS_AFTER, Overloaded("too much", retry_after=33.0))
    assert breaker.wait == 33.0


def test_a_server_cannot_send_us_away_for_hours(breaker: Breaker) -> None:
    fail(breaker, OPENS_AFTER, Overloaded("too much", retry_after=3600.0))
    assert breaker.wait == LONGEST_PAUSE


def test_its_refusal_says_what_happened_and_when_it_goes_on(opened: Breaker, clock: Clock) -> None:
    clock.now += 1.5
    refusal = opened.refusal("ollama")
    said = "ollama failed 3 times in a row and is left alone for another 4 s. The last time: gone"
    assert (refusal.message, refusal.retry_after, refusal.permanent) == (said, 4.0, False)


# --- in the router --------------------------------------------------------------------------------------------------


@pytest.fixture
async def make(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> AsyncIterator[Make]:
    """Makes routers whose breakers go by our clock, and closes them in the end."""
    monkeypatch.setattr("apps.llm.farm.Breaker", lambda: Breaker(clock))

    def router(fallback: tuple[str, ...] = (), **providers: Sequence[Provider]) -> Router:
        return Router(LlmSettings(ai_fallback=fallback, kinds=()), providers)

    async with each_closed(router) as build:
        yield build


def dead(failure: ProviderError = GONE) -> Scripted:
    return Scripted(Script(failure=failure))


async def ask(router: Router, times: int = 1) -> list[list[object]]:
    return [list(await collect(router.stream(router.resolve("main:numbers"), question()))) for _ in range(times)]


@pytest.mark.parametrize("failure", [GONE, Garbled("what?"), ProviderError("500"), Overloaded("much")])
async def test_while_it_is_open_the_dead_one_is_not_even_tried(make: Make, failure: ProviderError) -> None:
    main, spare = dead(failure), Scripted(ONE)
    router = make(("spare",), main=[main], spare=[spare])
    answers = await ask(router, 5)
    for events in answers:
        assert Chosen("spare", "numbers", fallback_from="main") in events
    assert (len(main.calls), len(spare.calls)) == (OPENS_AFTER, 5)


async def test_the_fallback_begins_at_once_while_it_is_open(make: Make) -> None:
    router = make(("spare",), main=[dead()], spare=[Scripted(ONE)])
    await ask(router, OPENS_AFTER)
    [events] = await ask(router)
    beginning = [Progress("reading"), Chosen("spare", "numbers", fallback_from="main"), TextDelta("one")]
    assert events[:3] == beginning


async def test_with_nobody_to_stand_in_it_is_asked_all_the_same_and_used_once_it_is_back(make: Make) -> None:
    gone = Script(failure=GONE)
    main = Scripted(gone, gone, gone, gone, ONE)
    router = make(main=[main])
    for _ in range(OPENS_AFTER + 1):
        _, failure = await failing(router.stream(router.resolve("main:numbers"), question()))
        assert failure is GONE
    [events] = await ask(router)
    assert Chosen("main", "numbers") in events


async def test_the_last_of_the_fallbacks_is_asked_all_the_same(make: Make) -> None:
    main, spare = dead(), dead(Garbled("what?"))
    router = make(("spare",), main=[main], spare=[spare])
    for _ in range(OPENS_AFTER):
        await failing(router.stream(router.resolve("main:numbers"), question()))
    _, failure = await failing(router.stream(router.resolve("main:numbers"), question()))
    assert type(failure) is Resting
    assert (len(main.calls), len(spare.calls)) == (OPENS_AFTER, OPENS_AFTER + 1)


async def test_after_the_pause_the_first_one_answers_again(make: Make, clock: Clock) -> None:
    gone = Script(failure=GONE)
    main = Scripted(gone, gone, gone, ONE)
    router = make(("spare",), main=[main], spare=[Scripted(ONE)])
    await ask(router, OPENS_AFTER + 1)
    clock.now += FIRST_PAUSE
    [events] = await ask(router)
    assert Chosen("main", "numbers") in events
    assert router.conditions()[0] == Condition("main", 1, "closed", 0, 0.0, "")


async def test_a_probe_that_fails_still_gets_its_answer_from_the_fallback(make: Make, clock: Clock) -> None:
    main = dead()
    router = make(("spare",), main=[main], spare=[Scripted(ONE)])
    await ask(router, OPENS_AFTER)
    clock.now += FIRST_PAUSE
    assert [text_of(events) for events in await ask(router, 2)] == ["one", "one"]  # type: ignore[arg-type]
    assert len(main.calls) == OPENS_AFTER + 1
    assert router.conditions()[0].wait == 2 * FIRST_PAUSE


async def test_a_refusal_shows_that_somebody_is_there(make: Make) -> None:
    gone, no = Script(failure=GONE), Script(failure=Refused("no"))
    main = Scripted(gone, gone, no, gone, gone, ONE)
    router = make(main=[main])
    for _ in range(5):
        await failing(router.stream(router.resolve("main:numbers"), question()))
    assert len(await ask(router)) == 1


async def test_words_that_broke_off_do_not_count(make: Make) -> None:
    main = Scripted(Script(tokens=numbered(3), failure=GONE, fails_after=1))
    router = make(main=[main])
    for _ in range(OPENS_AFTER + 2):
        await failing(router.stream(router.resolve("main:numbers"), question()))
    assert len(main.calls) == OPENS_AFTER + 2


async def test_one_dead_server_of_two_costs_nothing_while_it_is_open(make: Make, clock: Clock) -> None:
    one, two = dead(), dead(Garbled("two"))
    router = make(main=[one, two])
    for _ in range(OPENS_AFTER):
        await failing(router.stream(router.resolve("main:numbers"), question()))
    assert [(c.number, c.state, c.failures) for c in router.conditions()] == [(1, "open", 3), (2, "open", 3)]
    two.scripts = [ONE]
    clock.now += FIRST_PAUSE
    await ask(router, 3)
    assert {c.state for c in router.conditions() if c.number == 2} == {"closed"}
    assert len(one.calls) <= OPENS_AFTER + 1


def test_the_conditions_of_servers_that_nobody_asked_are_good(make: Make) -> None:
    assert make(main=[dead()]).conditions() == [Condition("main", 1, "closed", 0, 0.0, "")]
