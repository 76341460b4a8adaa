"""A server that is not there costs a question at most a second, once, where somebody else can answer."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from apps.llm import health, reaching
from apps.llm.breaker import FIRST_PAUSE
from apps.llm.events import Chosen, RouterEvent
from apps.llm.providers.base import Timeouts
from apps.llm.providers.gemini import Gemini
from apps.llm.providers.ollama import Ollama
from apps.llm.providers.openai_compatible import OpenAICompatible
from apps.llm.router import Router
from apps.llm.settings import LlmSettings
from benchmarks.standin import StandIn
from tests.llm.asking import collect, failing, question, text_of, until
from tests.llm.ollama_server import OllamaServer

LATE = reaching.GRACE + reaching.KNOCK
REFUSED = "http://127.0.0.1:9"


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that never completes a connection: its backlog is full, and nobody accepts."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for filler in fillers:
            filler.close()


@pytest.fixture
async def mute() -> AsyncIterator[str]:
    """An address that accepts every connection and says nothing."""
    leave = asyncio.Event()

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await leave.wait()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    leave.set()
    server.close()
    await server.wait_closed()


@pytest.fixture(params=["refused", "black_hole", "mute"])
def dead(request: pytest.FixtureRequest) -> str:
    return REFUSED if request.param == "refused" else str(request.getfixturevalue(request.param))


@asynccontextmanager
async def routing(settings: LlmSettings) -> AsyncIterator[Router]:
    router = Router(settings)
    try:
        yield router
    finally:
        await router.close()


def asked(router: Router) -> asyncio.Task[list[RouterEvent]]:
    return asyncio.ensure_future(collect(router.stream(router.resolve(), question(max_tokens=5))))


async def first_word(router: Router) -> tuple[float, Chosen]:
    """Seconds until the first word, and who said it."""
    began = time.monotonic()
    events = await asked(router)
    (chosen,) = (event for event in events if isinstance(event, Chosen))
    assert text_of(events).startswith("t00001 ")
    return time.monotonic() - began, chosen


@pytest.mark.parametrize("kind", ["ollama", "openai"])
async def test_the_fallback_of_a_dead_server_is_late_once_and_then_never(
    dead: str, kind: str, standin: StandIn
) -> None:
    settings = LlmSettings(
        ai_model=kind, ai_fallback=("builtin",), builtin_model_url=standin.url,
        openai_base_urls=(dead,), openai_model="m", ollama_base_url=dead, ollama_model="phi3",
    )  # fmt: skip
    async with routing(settings) as router:
        late, chosen = await first_word(router)
        assert (chosen.provider, chosen.fallback_from) == ("builtin", kind)
        again = [(await first_word(router))[0] for _ in range(3)]
    # The limit is a second; the rest is for a busy machine. Afterwards nobody waits for a knock.
    assert late < 1.0 + 2.0
    assert min(again) < LATE


async def test_a_server_that_thinks_for_long_is_not_taken_for_dead(standin: StandIn) -> None:
    async with StandIn(tokens=3, first_delay=2 * LATE) as slow:
        settings = LlmSettings(
            ai_model="openai", openai_base_urls=(slow.url,), ai_fallback=("builtin",), builtin_model_url=standin.url
        )
        async with routing(settings) as router:
            _, chosen = await first_word(router)
    assert chosen.provider == "openai"


async def test_stopping_during_the_knock_lets_go_of_the_server(mute: str, standin: StandIn) -> None:
    settings = LlmSettings(
        ai_model="openai", openai_base_urls=(mute,), openai_model="m", ai_fallback=("builtin",),
        builtin_model_url=standin.url,
    )  # fmt: skip
    async with routing(settings) as router:
        asking = asked(router)
        await asyncio.sleep(reaching.GRACE + 0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert router.gate("openai").inside == 0
        assert not standin.requests


async def test_with_nobody_to_stand_in_a_silent_server_is_waited_for(mute: str) -> None:
    async with routing(LlmSettings(ai_model="openai", openai_base_urls=(mute,), openai_model="m")) as router:
        asking = asked(router)
        await asyncio.sleep(2 * LATE)
        assert not asking.done()
        asking.cancel()
        await asyncio.wait([asking])


@pytest.mark.parametrize(
    ("url", "near"),
    [
        ("http://localhost:11434", True),
        ("http://127.0.0.1:1/v1", True),
        ("http://192.168.1.7:8000", True),
        ("http://[::1]:80", True),
        ("http://nas:11434", True),
        ("http://nas.local", True),
        ("https://api.openai.com/v1", False),
        ("http://203.0.114.7", False),
    ],
)
def test_only_servers_nearby_have_to_answer_a_knock_at_once(url: str, near: bool) -> None:
    assert (Ollama(url).near, OpenAICompatible(url).near, Gemini("k", base_url=url).near) == (near, near, False)


async def test_a_silent_server_on_the_internet_is_given_its_own_time(
    mute: str, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = OpenAICompatible(mute)
    far.near = False
    router = Router(LlmSettings(ai_model="openai", openai_model="m"), {"openai": [far, OpenAICompatible(standin.url)]})
    monkeypatch.setattr("apps.llm.farm.Backend.rank", property(lambda self: self.provider is not far))
    asking = asked(router)
    await asyncio.sleep(2 * LATE)
    assert not asking.done()
    asking.cancel()
    await asyncio.wait([asking])
    await router.close()


# --- the watch ------------------------------------------------------------------------------------------------------


def state_of(router: Router, kind: str = "openai", number: int = 1) -> str:
    return next(c.state for c in router.conditions() if (c.kind, c.number) == (kind, number))


async def test_the_watch_finds_a_dead_server_before_anybody_asks(
    dead: str, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.5)
    async with routing(LlmSettings(openai_base_urls=(dead, standin.url), openai_model="stand-in")) as router:
        router.keep_watch()
        await until(lambda: bool(router.conditions()) and state_of(router) == "open")
        assert state_of(router, number=2) == "closed"
        began = time.monotonic()
        events = await asked(router)
        assert text_of(events).startswith("t00001 ")
        assert time.monotonic() - began < LATE


async def test_a_server_that_is_back_is_used_again_without_a_question_to_try_it(
    monkeypatch: pytest.MonkeyPatch, standin: StandIn
) -> None:
    monkeypatch.setattr(health, "ROUND", 0.05)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = LlmSettings(
        ai_model="openai", openai_base_urls=(f"http://127.0.0.1:{port}/v1",), openai_model="m",
        ai_fallback=("builtin",), builtin_model_url=standin.url,
    )  # fmt: skip
    async with routing(settings) as router:
        router.keep_watch()
        await until(lambda: bool(router.conditions()) and state_of(router) == "open")
        async with StandIn(port=port, tokens=3):
            await until(lambda: state_of(router) == "closed")
            _, chosen = await first_word(router)
    assert chosen.provider == "openai"


async def test_the_watch_learns_which_model_answers_before_anybody_asks(standin: StandIn) -> None:
    async with routing(LlmSettings(openai_base_urls=(standin.url,))) as router:
        router.keep_watch()
        await until(lambda: router.resolve().model == "stand-in")


async def test_a_dead_server_whose_model_nobody_named_is_late_once(mute: str, standin: StandIn) -> None:
    settings = LlmSettings(
        ai_model="openai", openai_base_urls=(mute,), ai_fallback=("builtin",), builtin_model_url=standin.url
    )
    async with routing(settings) as router:
        late, chosen = await first_word(router)
    assert chosen.fallback_from == "openai"
    assert late < Timeouts().connect


async def test_a_lost_server_is_left_alone_for_as_long_as_it_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ROUND", 0.05)
    async with routing(LlmSettings(openai_base_urls=(REFUSED,), openai_model="m")) as router:
        router.keep_watch()
        await until(lambda: bool(router.conditions()) and state_of(router) == "open")
        for _ in range(3):  # its time grows short, and each knock in vain gives it the whole of it again
            await until(lambda: router.conditions()[0].wait < FIRST_PAUSE - 0.02)
            await until(lambda: router.conditions()[0].wait > FIRST_PAUSE - 0.02)


async def test_auto_leaves_an_ollama_that_went_away_before_anybody_asks(
    monkeypatch: pytest.MonkeyPatch, standin: StandIn
) -> None:
    monkeypatch.setattr(health, "ROUND", 0.05)
    monkeypatch.setattr(health, "CALM", 0.05)
    async with OllamaServer() as server:
        server.loaded["phi3:latest"] = 4096
        settings = LlmSettings(ollama_base_url=server.url, ollama_model="phi3", builtin_model_url=standin.url)
        router = Router(settings)
        router.keep_watch()
        router.look_around()
        await until(lambda: router.resolve().provider == "ollama")
    await until(lambda: router.resolve().provider == "builtin")
    await router.close()


async def test_bad_answers_are_not_forgiven_for_a_good_knock(monkeypatch: pytest.MonkeyPatch, standin: StandIn) -> None:
    monkeypatch.setattr(health, "ROUND", 0.05)
    monkeypatch.setattr(health, "CALM", 0.05)
    async with routing(LlmSettings(openai_base_urls=(standin.url,), openai_model="fail-500")) as router:
        for _ in range(3):
            await failing(router.stream(router.resolve(), question()))
        router.keep_watch()
        await asyncio.sleep(0.5)
        assert state_of(router) == "open"


async def test_a_watch_ends_with_its_router() -> None:
    async with routing(LlmSettings(openai_base_urls=(REFUSED,))) as router:
        router.keep_watch()
        router.keep_watch()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
