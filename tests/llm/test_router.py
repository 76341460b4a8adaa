"""Who answers: defaults, waiting, loading, and another one that stands in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from apps.llm import farm as farms
from apps.llm import reaching
from apps.llm import router as routers
from apps.llm.errors import Garbled, Loading, ModelMissing, ProviderError, Refused, TimedOut, Unreachable
from apps.llm.events import Chosen, Finished, Progress, RouterEvent, TextDelta
from apps.llm.providers.base import Provider
from apps.llm.providers.scripted import Script, Scripted, numbered
from apps.llm.router import Router, Target
from apps.llm.settings import LlmSettings
from benchmarks.standin import StandIn
from tests.llm.asking import collect, each_closed, failing, question, states_of, text_of, until

Make = Callable[..., Router]
ONE = Script(tokens=["one"])


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes routers over scripted providers and closes them in the end."""

    def router(settings: LlmSettings | None = None, **providers: Sequence[Provider]) -> Router:
        return Router(settings or LlmSettings(), providers)

    async with each_closed(router) as build:
        yield build


def broken(failure: ProviderError, after: int = 0) -> Scripted:
    return Scripted(Script(tokens=numbered(3), failure=failure, fails_after=after))


def chosen(events: list[RouterEvent]) -> list[Chosen]:
    return [event for event in events if isinstance(event, Chosen)]


# --- whom a choice means --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "choice", "provider", "model"),
    [
        (LlmSettings(), "", "builtin", ""),
        (LlmSettings(builtin_model="small", builtin_model_url="http://x/v1"), "", "builtin", "small"),
        (LlmSettings(openai_base_urls=("http://x/v1",), openai_model="m"), "", "openai", "m"),
        (LlmSettings(ai_model="builtin", openai_base_urls=("http://x/v1",)), "", "builtin", ""),
        (LlmSettings(ai_model="openai"), "builtin", "builtin", ""),
        (LlmSettings(gemini_api_key="k", gemini_model="g"), "", "gemini", "g"),
        (LlmSettings(gemini_api_key="k", openai_base_urls=("http://x/v1",), openai_model="m"), "", "openai", "m"),
        (LlmSettings(openai_model="m"), "openai", "openai", "m"),
        (LlmSettings(openai_model="m"), "openai:other:latest", "openai", "other:latest"),
    ],
)
def test_a_choice_names_a_provider_and_a_model(settings: LlmSettings, choice: str, provider: str, model: str) -> None:
    target = Router(settings).resolve(choice)
    assert (target.provider, target.model, target.choice) == (provider, model, choice)


@pytest.mark.parametrize(
    "choice",
    [
        "nonsense",
        "nonsense:model",
        ":",
        "scripted",
        "BUILTIN",
        "x" * 999,
        "openai:" + "x" * 999,
        "openai:\0",
        "openai:\ud800",
    ],
)
def test_an_unknown_choice_says_what_there_is(choice: str) -> None:
    with pytest.raises(ModelMissing) as caught:
        Router(LlmSettings()).resolve(choice)
    assert "builtin" in caught.value.hint
    assert len(caught.value.message) < 300


def test_a_default_that_is_not_here_is_told() -> None:
    with pytest.raises(ModelMissing, match="AI_MODEL"):
        Router(LlmSettings(ai_model="gemini", kinds=("builtin",))).resolve()


async def test_a_known_model_can_be_chosen_by_its_bare_name(make: Make) -> None:
    router = make(scripted=[Scripted()])
    await router.models()
    assert router.resolve("numbers") == Target("scripted", "numbers", 8192, "numbers")


async def test_the_window_is_learnt_in_the_background(make: Make) -> None:
    router = make(scripted=[Scripted(context_window=1234)])
    assert router.resolve("scripted").context_window != 1234
    await until(lambda: router.resolve("scripted") == Target("scripted", "numbers", 1234, "scripted"))


async def test_a_server_that_is_away_does_not_keep_anybody_waiting(make: Make) -> None:
    away = Scripted()
    away.away = Unreachable("gone")
    router = make(scripted=[away], other=[Scripted(kind="other")])
    assert router.resolve("scripted").context_window > 0
    assert [offer.choice for offer in await router.models()] == ["other:numbers"]


# --- an answer ------------------------------------------------------------------------------------------------------


async def test_an_answer_is_progress_then_who_was_chosen_then_words(make: Make) -> None:
    router = make(scripted=[Scripted(ONE)])
    events = await collect(router.stream(router.resolve("scripted"), question()))
    assert events[:3] == [Progress("reading"), Chosen("scripted", "numbers"), TextDelta("one")]
    assert isinstance(events[-1], Finished)


async def test_the_named_model_is_asked_for(make: Make) -> None:
    provider = Scripted(ONE)
    router = make(scripted=[provider])
    await collect(router.stream(router.resolve("scripted:special"), question()))
    assert provider.calls[0].model == "special"


async def test_a_real_server_without_a_configured_model_is_asked_for_its_models(standin: StandIn) -> None:
    router = Router(LlmSettings(openai_base_urls=(standin.url,)))
    events = await collect(router.stream(router.resolve(), question()))
    await router.close()
    assert chosen(events) == [Chosen("openai", "stand-in")]
    assert text_of(events).endswith("t00010 ")


async def test_without_any_server_the_error_says_how_to_start_one() -> None:
    router = Router(LlmSettings())
    with pytest.raises(Unreachable) as caught:
        await collect(router.stream(router.resolve(), question()))
    assert "nitro up" in caught.value.hint


async def test_the_least_busy_server_is_asked(make: Make) -> None:
    one, two = (Scripted(Script(tokens=numbered(3), delay=0.01)) for _ in range(2))
    router = make(scripted=[one, two])
    target = router.resolve("scripted")
    await asyncio.gather(*(collect(router.stream(target, question())) for _ in range(6)))
    assert (len(one.calls), len(two.calls)) == (3, 3)


async def test_a_server_that_is_away_is_passed_over(make: Make) -> None:
    dead, alive = broken(Unreachable("gone")), Scripted(ONE)
    router = make(scripted=[dead, alive])
    target = router.resolve("scripted")
    for _ in range(3):
        assert text_of(await collect(router.stream(target, question()))) == "one"
    assert len(dead.calls) == 1


# --- waiting in line ------------------------------------------------------------------------------------------------


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer at a time."""
    monkeypatch.setitem(farms.SLOTS, "scripted", 1)


@pytest.mark.usefixtures("narrow")
async def test_whoever_waits_hears_of_the_place_in_the_line(make: Make) -> None:
    router = make(scripted=[Scripted(Script(tokens=numbered(5), delay=0.005))])
    target = router.resolve("scripted")
    answers = await asyncio.gather(*(collect(router.stream(target, question())) for _ in range(3)))
    places = [[event.position for event in events if event == Progress("queued", 1)] for events in answers]
    assert states_of(answers[0]) == ["reading"]
    assert states_of(answers[1]) == ["queued", "reading"]
    assert states_of(answers[2]) == ["queued", "queued", "reading"]
    assert places == [[], [1], [1]]
    assert len({text_of(events) for events in answers}) == 1


@pytest.mark.usefixtures("narrow")
async def test_stopping_in_the_line_leaves_it(make: Make) -> None:
    provider = Scripted(Script(tokens=numbered(5), delay=0.01))
    router = make(scripted=[provider])
    target = router.resolve("scripted")
    first, second, third = (asyncio.create_task(collect(router.stream(target, question()))) for _ in range(3))
    await asyncio.sleep(0.01)
    second.cancel()
    assert text_of(await first) == text_of(await third)
    assert second.cancelled()
    assert len(provider.calls) == 2


@pytest.mark.usefixtures("narrow")
async def test_a_stopped_or_failed_answer_frees_its_place(make: Make) -> None:
    router = make(scripted=[Scripted(Script(failure=Garbled("x")), Script(tokens=numbered(99), delay=0.01), ONE)])
    target = router.resolve("scripted")
    with pytest.raises(Garbled):
        await collect(router.stream(target, question()))
    stopped = router.stream(target, question())
    while not isinstance(await anext(stopped), TextDelta):
        pass
    await stopped.aclose()
    assert states_of(await collect(router.stream(target, question()))) == ["reading"]


async def test_stopping_frees_the_server(slow_standin: StandIn) -> None:
    router = Router(LlmSettings(openai_base_urls=(slow_standin.url,), openai_model="stand-in"))
    task = asyncio.create_task(collect(router.stream(router.resolve(), question())))
    await until(lambda: slow_standin.stats.tokens > 0)
    task.cancel()
    await until(lambda: slow_standin.stats.disconnected == 1)
    await router.close()
    assert task.cancelled()


# --- loading --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll often and give up soon."""
    monkeypatch.setattr(reaching, "POLL", 0.01)
    monkeypatch.setattr(routers, "LOAD_LIMIT", 0.2)
    monkeypatch.setattr(farms, "START_GRACE", 0.1)


async def test_a_model_that_is_loading_is_waited_for() -> None:
    async with StandIn(tokens=3, loading=0.5) as server:
        router = Router(LlmSettings(openai_base_urls=(server.url,)))
        events = await collect(router.stream(router.resolve(), question()))
        await router.close()
    assert states_of(events) == ["reading", "loading", "reading"]
    assert text_of(events) == "t00001 t00002 t00003 "


@pytest.mark.usefixtures("hasty")
async def test_a_model_that_is_never_loaded_is_given_up(make: Make) -> None:
    router = make(scripted=[broken(Loading("still loading"))])
    with pytest.raises((TimedOut, Loading)):
        await collect(router.stream(router.resolve("scripted"), question()))


@pytest.mark.usefixtures("hasty")
async def test_our_own_model_that_is_not_up_yet_counts_as_loading(make: Make) -> None:
    provider = Scripted(Script(failure=Unreachable("refused")), ONE, kind="builtin")
    router = make(builtin=[provider])
    events = await collect(router.stream(router.resolve("builtin:m"), question()))
    assert states_of(events) == ["reading", "loading", "reading"]
    assert text_of(events) == "one"


@pytest.mark.usefixtures("hasty")
async def test_our_own_model_that_stays_away_is_unreachable(make: Make) -> None:
    provider = broken(Unreachable("refused"))
    provider.away = Unreachable("refused")
    router = make(builtin=[provider])
    for _ in range(2):
        with pytest.raises(Unreachable):
            await collect(router.stream(router.resolve("builtin:m"), question()))


async def test_the_server_of_somebody_else_is_not_waited_for(make: Make) -> None:
    router = make(scripted=[broken(Unreachable("refused"))])
    said, failure = await failing(router.stream(router.resolve("scripted"), question()))
    assert states_of(said) == ["reading"]
    assert type(failure) is Unreachable


# --- another one stands in ------------------------------------------------------------------------------------------

SPARE = LlmSettings(ai_fallback=("spare", "last"), kinds=())


@pytest.mark.parametrize("failure", [Unreachable("x"), TimedOut("x"), Garbled("x"), ProviderError("500")])
async def test_before_the_first_word_the_fallback_answers(make: Make, failure: ProviderError) -> None:
    router = make(SPARE, main=[broken(failure)], spare=[Scripted(ONE)])
    events = await collect(router.stream(router.resolve("main"), question()))
    assert text_of(events) == "one"
    assert chosen(events) == [Chosen("spare", "numbers", fallback_from="main")]


async def test_the_next_fallback_answers_where_the_first_is_away_too(make: Make) -> None:
    router = make(SPARE, main=[broken(TimedOut("x"))], spare=[broken(Refused("no"))], last=[Scripted(ONE)])
    assert text_of(await collect(router.stream(router.resolve("main"), question()))) == "one"


async def test_after_the_first_word_nobody_stands_in(make: Make) -> None:
    spare = Scripted(ONE)
    router = make(SPARE, main=[broken(Unreachable("gone"), after=1)], spare=[spare])
    said, failure = await failing(router.stream(router.resolve("main"), question()))
    assert text_of(said) == "t00001 "
    assert failure.message == "gone"
    assert spare.calls == []


async def test_nobody_stands_in_for_a_refusal(make: Make) -> None:
    spare = Scripted(ONE)
    router = make(SPARE, main=[broken(Refused("no"))], spare=[spare])
    with pytest.raises(Refused):
        await collect(router.stream(router.resolve("main"), question()))
    assert spare.calls == []


async def test_when_nobody_answers_the_first_error_is_told(make: Make) -> None:
    router = make(SPARE, main=[broken(TimedOut("main"))], spare=[broken(Unreachable("spare"))])
    with pytest.raises(TimedOut, match="main"):
        await collect(router.stream(router.resolve("main"), question()))


async def test_a_real_server_that_fails_is_replaced_by_the_script(make: Make, standin: StandIn) -> None:
    settings = LlmSettings(openai_base_urls=(standin.url,), ai_fallback=("scripted",))
    router = make(settings, scripted=[Scripted(ONE)])
    for model in ("fail-500", "garbage", "html-page", "refuse", "error-at-0", "cut-at-0"):
        events = await collect(router.stream(router.resolve(f"openai:{model}"), question()))
        assert chosen(events) == [Chosen("scripted", "numbers", fallback_from="openai")]
