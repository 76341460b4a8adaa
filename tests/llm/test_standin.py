"""The stand-in model server itself: a wrong count there would be a wrong count everywhere."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from apps.llm.events import TextDelta, Usage
from apps.llm.messages import Call, Message, Options, Role
from apps.llm.providers.ollama import Ollama
from benchmarks.standin import StandIn
from benchmarks.standin_answers import MODES
from tests.llm.asking import until


async def post(server: StandIn, body: dict[str, Any], **headers: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/chat/completions", json=body, headers=headers) as answer,
    ):
        return answer.status, await answer.text()


async def test_tokens_are_numbered(standin: StandIn) -> None:
    _, text = await post(standin, {"model": "tokens-3", "stream": True})
    assert [f"t{n:05d} " in text for n in range(1, 5)] == [True, True, True, False]
    assert text.endswith("data: [DONE]\n\n")


async def test_the_whole_answer_has_the_same_words(standin: StandIn) -> None:
    assert '"t00001 t00002 "' in (await post(standin, {"model": "tokens-2"}))[1]


async def test_a_text_is_streamed_to_the_letter() -> None:
    prose = "Déjà vu?\n\n  `code`  — and\tmore.\n"
    async with StandIn(text=prose) as server:
        body = (await post(server, {}))[1]
    assert json.loads(body)["choices"][0]["message"]["content"] == prose


async def test_usage_is_sent_on_request_only(standin: StandIn) -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    assert '"usage"' in (await post(standin, asked))[1]
    assert '"usage"' not in (await post(standin, {"stream": True}))[1]


async def test_a_header_chooses_a_fault_for_any_model(standin: StandIn) -> None:
    assert (await post(standin, {"model": "gpt"}, **{"X-Stand-In": "fail-418"}))[0] == 418


@pytest.mark.parametrize(
    ("messages", "first"),
    [
        ([{"role": "user", "content": "Hi"}], "t00001 "),
        ([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "t00041 "}], "t00042 "),
        ([{"role": "assistant", "content": "t00041 "}, {"role": "user", "content": "Continue."}], "t00042 "),
        ([{"role": "assistant", "content": "t00041 "}, {"role": "user", "content": "Why?"}], "t00001 "),
    ],
)
async def test_a_continued_answer_goes_on_counting(standin: StandIn, messages: list[Any], first: str) -> None:
    assert f'"{first}"' in (await post(standin, {"model": "tokens-1", "messages": messages}))[1]


async def test_it_counts_streams_tokens_and_clients_that_leave(slow_standin: StandIn) -> None:
    task = asyncio.create_task(post(slow_standin, {"stream": True}))
    await until(lambda: slow_standin.stats.tokens >= 2)
    task.cancel()
    await until(lambda: slow_standin.stats.disconnected == 1)
    assert (slow_standin.stats.started, slow_standin.stats.finished, slow_standin.stats.open_streams) == (1, 0, 0)


async def test_its_counts_can_be_asked_for(standin: StandIn) -> None:
    await post(standin, {"stream": True})
    async with (
        aiohttp.ClientSession() as session,
        session.get(standin.url.replace("/v1", "/stats")) as answer,
    ):
        stats = await answer.json()
    assert (stats["started"], stats["finished"], stats["tokens"]) == (1, 1, 10)
    assert stats["cpu_seconds"] > 0


async def test_a_reader_that_pauses_gets_everything() -> None:
    async with (
        StandIn(tokens=100_000) as server,
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/chat/completions", json={"stream": True}) as answer,
    ):
        await asyncio.sleep(0.2)
        assert server.stats.tokens < 100_000
        assert "t100000 " in await answer.text()


def test_every_way_to_behave_is_described() -> None:
    assert all(MODES.values())


# --- Ollama's wire ---------------------------------------------------------------------------------------------------


async def ask_ollama(server: StandIn, body: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    """The status and the lines of an answer."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{server.ollama_url}/api/chat", json={"messages": [{"role": "user", "content": "Hi"}]} | body
        ) as a,
    ):
        return a.status, [json.loads(line) for line in (await a.text()).splitlines()]


async def test_ollama_streams_numbered_tokens_unless_told_not_to(standin: StandIn) -> None:
    _, lines = await ask_ollama(standin, {"model": "tokens-3"})
    assert [line["message"]["content"] for line in lines] == ["t00001 ", "t00002 ", "t00003 ", ""]
    assert (lines[-1]["done"], lines[-1]["done_reason"], lines[-1]["eval_count"]) == (True, "stop", 3)
    _, (whole,) = await ask_ollama(standin, {"model": "tokens-2", "stream": False})
    assert whole["message"]["content"] == "t00001 t00002 "


async def test_our_own_ollama_provider_understands_it(standin: StandIn) -> None:
    provider = Ollama(standin.ollama_url)
    assert [model.name for model in await provider.models()] == ["stand-in"]
    call = Call("tokens-4", (Message(Role.USER, "Hi"),), Options())
    events = [event async for event in provider.stream(call)]
    await provider.close()
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "t00001 t00002 t00003 t00004 "
    assert [e for e in events if isinstance(e, Usage)] == [Usage(7, 4)]


async def test_ollama_fails_on_demand_in_its_own_words(standin: StandIn) -> None:
    assert (await ask_ollama(standin, {"model": "fail-404"}))[0] == 404
    lines = (await ask_ollama(standin, {"model": "error-at-1"}))[1]
    assert lines[-1] == {"error": "The engine broke"}


@pytest.mark.parametrize(("limited", "tokens"), [(True, 3), (False, 10)])
async def test_only_a_limited_server_ends_where_the_request_says(limited: bool, tokens: int) -> None:
    async with StandIn(tokens=10, limited=limited) as server:
        openai = json.loads((await post(server, {"max_tokens": 3}))[1])
        ollama = (await ask_ollama(server, {"stream": False, "options": {"num_predict": 3}}))[1][0]
    assert (openai["usage"]["completion_tokens"], ollama["eval_count"]) == (tokens, tokens)
    assert (openai["choices"][0]["finish_reason"] == "length") is limited
