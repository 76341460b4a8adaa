"""What is sent over OpenAI's wire, and what its listings tell."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from apps.llm.errors import Refused
from apps.llm.events import Finished, TextDelta
from apps.llm.messages import Call, Image, Message, Options, Role
from apps.llm.providers.base import ModelInfo
from apps.llm.providers.openai_compatible import OpenAICompatible, openai
from apps.llm.providers.openai_request import CONTINUE, request_body
from apps.llm.settings import LlmSettings
from benchmarks.standin import StandIn
from tests.llm.asking import collect, failing, question, text_of
from tests.llm.wire import Recording, answer, playing, recorded

EVERYWHERE = {"model", "messages", "stream", "stream_options", "max_tokens", "temperature", "top_p"}


@pytest.fixture
async def provider(standin: StandIn) -> AsyncIterator[OpenAICompatible]:
    made = OpenAICompatible(standin.url, api_key="sk-1")
    yield made
    await made.close()


def test_only_known_fields_are_sent() -> None:
    assert set(request_body(question(), llama=False)) == EVERYWHERE
    assert set(request_body(question(), llama=True)) == EVERYWHERE | {"top_k", "repeat_penalty"}


def test_what_is_asked_for_is_sent() -> None:
    options = Options(max_tokens=5, temperature=0.1, top_p=0.2, seed=0, stop=("END",))
    schema = {"type": "json_schema"}
    call = Call("m", (Message(Role.USER, "Hi"),), options, response_format=schema, tools=({"type": "function"},))
    body = request_body(call, llama=False)
    assert body["seed"] == 0
    assert body["stop"] == ["END"]
    assert body["response_format"] == schema
    assert body["tools"] == [{"type": "function"}]
    assert (body["max_tokens"], body["temperature"], body["top_p"]) == (5, 0.1, 0.2)


def test_pictures_travel_beside_the_text() -> None:
    call = Call("m", (Message(Role.USER, "What?", images=(Image(b"\x89P", "image/png"),)),))
    content = request_body(call, llama=False)["messages"][0]["content"]
    assert content[0] == {"type": "text", "text": "What?"}
    assert content[1] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVA="}}


def test_an_answer_of_a_function_names_its_call() -> None:
    call = Call("m", (Message(Role.TOOL, "4", tool_call_id="c1"),))
    assert request_body(call, llama=False)["messages"] == [{"role": "tool", "content": "4", "tool_call_id": "c1"}]


def test_llama_goes_on_from_the_assistants_last_words() -> None:
    messages = request_body(question("Count", prefill="One, two"), llama=True)["messages"]
    assert messages[1:] == [{"role": "assistant", "content": "One, two"}]


def test_other_servers_are_asked_to_go_on() -> None:
    messages = request_body(question("Count", prefill="One, two"), llama=False)["messages"]
    assert messages[1:] == [{"role": "assistant", "content": "One, two"}, {"role": "user", "content": CONTINUE}]


async def test_a_continued_answer_repeats_nothing(provider: OpenAICompatible) -> None:
    events = await collect(provider.stream(question(model="tokens-2", prefill="t00001 t00002 ")))
    assert text_of(events) == "t00003 t00004 "


@pytest.mark.model
async def test_the_built_in_model_continues_an_answer(builtin_url: str) -> None:
    provider = OpenAICompatible(builtin_url, kind="builtin", llama=True)
    call = question("Count from one to ten in words.", max_tokens=6, prefill="One, two, three,")
    text = text_of(await collect(provider.stream(call)))
    await provider.close()
    assert text.startswith(" four, five")


@pytest.mark.model
async def test_the_built_in_model_tells_its_real_window(builtin_url: str) -> None:
    provider = OpenAICompatible(builtin_url, kind="builtin", llama=True)
    (info,) = await provider.models()
    await provider.close()
    assert info.context_window == 4096
    assert info.size > 50_000_000
    assert (info.parameters, info.quantisation) == ("135M", "Q4_1")


async def test_the_key_is_sent() -> None:
    async with playing(answer(200, b'{"data":[]}')) as server:
        await _listed(server, api_key="sk-1")
    assert b"Authorization: Bearer sk-1" in server.heads[0]


async def test_no_key_is_sent_where_there_is_none() -> None:
    async with playing(answer(200, b'{"data":[]}')) as server:
        await _listed(server)
    assert b"Authorization" not in server.heads[0]


@pytest.mark.parametrize("path", ["", "/"])
async def test_an_address_without_a_path_is_completed(standin: StandIn, path: str) -> None:
    provider = OpenAICompatible(standin.url.removesuffix("/v1") + path)
    assert text_of(await collect(provider.stream(question(model="tokens-1")))) == "t00001 "
    await provider.close()


async def test_an_answer_in_one_piece_is_understood() -> None:
    body = b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}'
    async with playing(answer(200, body)) as server:
        provider = OpenAICompatible(server.url)
        assert await collect(provider.stream(question())) == [TextDelta("Hi"), Finished("stop")]
        await provider.close()


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({}, ModelInfo("m")),
        ({"max_model_len": 32768}, ModelInfo("m", context_window=32768)),
        ({"context_length": 8}, ModelInfo("m", context_window=8)),
        ({"context_window": "big", "meta": 5}, ModelInfo("m")),
        ({"meta": {"n_ctx_train": 8192}}, ModelInfo("m", context_window=8192)),
        ({"meta": {"n_ctx_train": 8192, "n_ctx": 4096}}, ModelInfo("m", context_window=4096)),
    ],
)
async def test_what_listings_tell_of_a_model(item: dict[str, Any], expected: ModelInfo) -> None:
    assert await _listing({"data": [{"id": "m"} | item]}) == [expected]


@pytest.mark.parametrize("listed", [[], {}, {"data": None}, {"data": "x"}, {"data": [5, {"id": 5}, {"id": "a\0"}]}])
async def test_an_odd_listing_has_no_models(listed: object) -> None:
    assert await _listing(listed) == []


async def _listing(listed: object) -> list[ModelInfo]:
    async with playing(answer(200, json.dumps(listed).encode())) as server:
        return await _listed(server)


async def _listed(server: Recording, **options: Any) -> list[ModelInfo]:
    provider = OpenAICompatible(server.url, **options)
    try:
        return await provider.models()
    finally:
        await provider.close()


def refusal(field: str, code: str = "unsupported_parameter") -> bytes:
    return answer(400, json.dumps({"error": {"message": f"No {field}", "param": field, "code": code}}).encode())


GOOD = answer(200, b'{"choices":[{"message":{"content":"Hi"}}]}')


async def test_fields_that_a_model_does_not_take_are_left_out_from_then_on() -> None:
    parts = [[refusal("max_tokens")], [refusal("temperature", "unsupported_value")], [GOOD]]
    async with recorded(Recording(parts)) as server:
        provider = OpenAICompatible(server.url)
        for _ in range(2):
            assert text_of(await collect(provider.stream(question()))) == "Hi"
        await provider.close()
    assert server.connections == 4
    assert b"max_completion_tokens" in server.bodies[-1]
    assert b"temperature" not in server.bodies[-1]


@pytest.mark.parametrize("field", ["model", "messages", "top_k", "\ud800"])
async def test_other_fields_are_not_left_out(field: str) -> None:
    async with playing(refusal(field)) as server:
        provider = OpenAICompatible(server.url)
        _, failure = await failing(provider.stream(question()))
        await provider.close()
    assert isinstance(failure, Refused)
    assert server.connections == 1


async def test_a_server_that_refuses_again_and_again_is_not_asked_for_ever() -> None:
    async with playing(refusal("max_tokens")) as server:
        provider = OpenAICompatible(server.url)
        _, failure = await failing(provider.stream(question()))
        await provider.close()
    assert isinstance(failure, Refused)
    assert server.connections == 2


def test_builders_make_a_provider_for_each_address() -> None:
    settings = LlmSettings(openai_base_urls=("http://b/v1", "http://c/v1"))
    assert [made.kind for made in openai(settings)] == ["openai", "openai"]
    assert openai(LlmSettings()) == []
