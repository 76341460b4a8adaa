"""Gemini through its real library and a real socket: what we say, and what comes back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from apps.llm.events import Event, Finished, TextDelta, ToolCall, Usage
from apps.llm.messages import Call, Image, Message, Options, Role
from apps.llm.providers.base import ModelInfo
from apps.llm.providers.gemini import Gemini, gemini, library
from apps.llm.providers.openai_request import CONTINUE
from apps.llm.router import Router
from apps.llm.settings import LlmSettings
from tests.llm.asking import collect, question, text_of, until
from tests.llm.gemini_server import GREETING, KEY, GeminiServer, said

Make = Callable[..., Gemini]
FLASH = "gemini-2.5-flash"


@pytest.fixture(autouse=True, scope="module")
def loaded() -> None:
    """Load the library before any clock runs."""
    library()


@pytest.fixture
async def server() -> AsyncIterator[GeminiServer]:
    async with GeminiServer() as made:
        yield made


@pytest.fixture
async def provider(server: GeminiServer) -> AsyncIterator[Gemini]:
    made = Gemini(KEY, base_url=server.url)
    yield made
    await made.close()


async def answer(provider: Gemini, call: Call | None = None) -> list[Event]:
    return await collect(provider.stream(call or question(model=FLASH)))


# --- what we say ----------------------------------------------------------------------------------------------------


async def asked(provider: Gemini, server: GeminiServer, *messages: Message, **more: Any) -> dict[str, Any]:
    await answer(provider, Call(FLASH, messages or (Message(Role.USER, "Hi"),), **more))
    return server.asked[-1]


async def test_the_system_prompt_is_an_instruction_and_the_assistant_is_the_model(
    provider: Gemini, server: GeminiServer
) -> None:
    messages = [Message(Role.SYSTEM, "Be kind."), Message(Role.USER, "Hi"), Message(Role.ASSISTANT, "Yes?")]
    body = await asked(provider, server, *messages, Message(Role.USER, "Go on."))
    assert body["systemInstruction"]["parts"] == [{"text": "Be kind."}]
    assert [(c["role"], c["parts"][0]["text"]) for c in body["contents"]] == [
        ("user", "Hi"),
        ("model", "Yes?"),
        ("user", "Go on."),
    ]


async def test_the_samplers_go_by_geminis_names(provider: Gemini, server: GeminiServer) -> None:
    options = Options(max_tokens=7, temperature=0.25, top_p=0.5, top_k=3, seed=1, stop=tuple("abcdefg"))
    body = await asked(provider, server, options=options)
    assert body["generationConfig"] == {
        "candidateCount": 1,
        "maxOutputTokens": 7,
        "temperature": 0.25,
        "topP": 0.5,
        "topK": 3,
        "stopSequences": list("abcde"),
    }


async def test_top_k_of_0_means_none(provider: Gemini, server: GeminiServer) -> None:
    assert "topK" not in (await asked(provider, server, options=Options(top_k=0)))["generationConfig"]


async def test_a_picture_goes_beside_its_text(provider: Gemini, server: GeminiServer) -> None:
    picture = Image(b"\x89PNG", "image/png")
    body = await asked(provider, server, Message(Role.USER, "What is it?", images=(picture,)))
    inline = {"mimeType": "image/png", "data": b64encode(b"\x89PNG").decode()}
    assert body["contents"][0]["parts"] == [{"text": "What is it?"}, {"inlineData": inline}]


async def test_the_beginning_of_an_answer_is_followed_by_the_wish_to_go_on(
    provider: Gemini, server: GeminiServer
) -> None:
    contents = (await asked(provider, server, prefill="Once upon"))["contents"]
    assert [(c["role"], c["parts"][0]["text"]) for c in contents[1:]] == [("model", "Once upon"), ("user", CONTINUE)]


async def test_an_empty_message_is_left_out(provider: Gemini, server: GeminiServer) -> None:
    body = await asked(provider, server, Message(Role.ASSISTANT, ""), Message(Role.USER, "Hi"))
    assert [c["role"] for c in body["contents"]] == ["user"]


async def test_a_wanted_form_is_asked_for(provider: Gemini, server: GeminiServer) -> None:
    form = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
    body = await asked(provider, server, response_format=form)
    assert body["generationConfig"]["responseMimeType"] == "application/json"
    assert '{"type": "object"}' in body["systemInstruction"]["parts"][0]["text"]


async def test_functions_are_declared(provider: Gemini, server: GeminiServer) -> None:
    place = {"type": "string", "description": "A town"}
    days = {"type": "array", "items": {"type": ["odd", "type"]}}
    parameters = {"type": "object", "properties": {"place": place, "days": days}, "required": ["place"], "$odd": 1}
    weather = {"type": "function", "function": {"name": "weather", "description": "Now", "parameters": parameters}}
    plain = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
    body = await asked(provider, server, tools=(weather, plain))
    first, second = body["tools"][0]["functionDeclarations"]
    assert (first["name"], first["description"], first["parameters"]["required"]) == ("weather", "Now", ["place"])
    assert first["parameters"]["properties"]["place"]["description"] == "A town"
    assert set(first["parameters"]["properties"]) == {"place", "days"}
    assert second == {"name": "now"}


async def test_the_key_travels_in_the_header_and_never_in_the_address(provider: Gemini, server: GeminiServer) -> None:
    await answer(provider)
    assert await provider.ready()
    assert server.paths
    assert KEY not in "".join(server.paths)


# --- what comes back ------------------------------------------------------------------------------------------------


async def test_an_answer_is_text_then_usage_then_the_end(provider: Gemini) -> None:
    assert await answer(provider) == [TextDelta("Hello"), TextDelta(" you."), Usage(4, 7), Finished("stop")]


@pytest.mark.parametrize("tail", [b"]", b"]\n", b"\r\n]\r\n", b"]garbage"])
async def test_what_follows_the_end_spoils_nothing(provider: Gemini, server: GeminiServer, tail: bytes) -> None:
    server.tail = tail
    assert (await answer(provider))[-1] == Finished("stop")


@pytest.mark.parametrize("reason", ["MAX_TOKENS", 2])
async def test_the_limit_of_tokens_is_told(provider: Gemini, server: GeminiServer, reason: object) -> None:
    chunk = said("Long")
    chunk["candidates"][0]["finishReason"] = reason
    server.chunks = [chunk]
    assert (await answer(provider))[-1] == Finished("length")


async def test_a_reason_that_the_library_does_not_know_is_an_end(provider: Gemini, server: GeminiServer) -> None:
    server.chunks = [said("Hello", reason="INVENTED_IN_2027")]
    assert await answer(provider) == [TextDelta("Hello"), Finished("stop")]


async def test_a_function_call_is_an_event(provider: Gemini, server: GeminiServer) -> None:
    call = {"functionCall": {"name": "weather", "args": {"place": "Ülm", "days": [1, 2]}}}
    server.chunks = [{"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]}]
    events = await answer(provider)
    assert events[0] == ToolCall("weather", "weather", '{"place":"Ülm","days":[1.0,2.0]}')


async def test_hard_text_comes_through_whole(provider: Gemini, server: GeminiServer) -> None:
    text = 'Ünï 🙂 "quoted" \\ {brace] [bracket} \n\t end'
    server.chunks = [said(text), said("a\0b"), said("", reason="STOP"), said("after the end")]
    assert text_of(await answer(provider)) == text + "ab"


async def test_the_models_that_can_chat_are_listed_with_their_windows(provider: Gemini) -> None:
    assert await provider.models() == [ModelInfo(FLASH, context_window=1_048_576)]


async def test_a_connection_is_used_again(
    provider: Gemini, server: GeminiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.llm.providers.gemini_line.DRAIN", 20.0)
    for _ in range(3):
        assert text_of(await answer(provider)) == "Hello you."
    assert len(server.connections) == 1


# --- how it is stopped ----------------------------------------------------------------------------------------------


async def test_stopping_before_the_first_word_cuts_the_connection(provider: Gemini, server: GeminiServer) -> None:
    server.before = 60.0
    task = asyncio.create_task(answer(provider))
    await until(lambda: server.open_streams == 1)
    task.cancel()
    await until(lambda: server.open_streams == 0)
    assert task.cancelled()


async def test_stopping_one_answer_leaves_the_others_alone(provider: Gemini, server: GeminiServer) -> None:
    server.chunks = [*(said("word ") for _ in range(30)), *GREETING]
    server.delay = 0.01
    stopped, *others = (asyncio.create_task(answer(provider)) for _ in range(4))
    await until(lambda: server.open_streams == 4)
    stopped.cancel()
    assert {text_of(events) for events in await asyncio.gather(*others)} == {"word " * 30 + "Hello you."}


async def test_a_reader_that_takes_its_time_gets_every_word(provider: Gemini, server: GeminiServer) -> None:
    server.chunks = [*(said(f"{place} ") for place in range(100)), *GREETING]
    words = []
    async for event in provider.stream(question(model=FLASH)):
        words.append(event)
        await asyncio.sleep(0.001)
    assert text_of(words) == "".join(f"{place} " for place in range(100)) + "Hello you."


async def test_a_reader_that_stops_reading_lets_the_thread_go(provider: Gemini, server: GeminiServer) -> None:
    server.chunks = [said("word " * 2000) for _ in range(200)]
    events = provider.stream(question(model=FLASH))
    await anext(events)
    await events.aclose()
    await until(lambda: server.open_streams == 0)


# --- who is asked ---------------------------------------------------------------------------------------------------


def test_there_is_a_provider_where_there_is_a_key() -> None:
    assert gemini(LlmSettings()) == []
    assert [made.kind for made in gemini(LlmSettings(gemini_api_key=KEY))] == ["gemini"]


async def test_the_router_asks_for_the_configured_model(server: GeminiServer) -> None:
    settings = LlmSettings(gemini_api_key=KEY, gemini_base_url=server.url + "/", gemini_model=FLASH)
    router = Router(settings)
    assert text_of(await collect(router.stream(router.resolve(), question()))) == "Hello you."
    await router.close()
    assert any(f"/models/{FLASH}:" in path for path in server.paths)


def test_setting_up_a_router_loads_no_library() -> None:
    lines = (
        "import sys",
        "from apps.llm.registry import build",
        "from apps.llm.settings import LlmSettings",
        "assert build('gemini', LlmSettings(gemini_api_key='k'))",
        "loaded = {'google.generativeai', 'google.ai', 'requests', 'urllib3', 'grpc'} & set(sys.modules)",
        "assert not loaded, loaded",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)
