"""What Ollama says becomes events: words, thoughts, calls of functions, counts, and one end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.llm.errors import Garbled
from apps.llm.events import Finished, ReasoningDelta, TextDelta, ToolCall, Usage
from apps.llm.messages import Call, Image, Message, Options, Role
from apps.llm.providers.ollama import Ollama, load_library
from apps.llm.providers.ollama_stream import ChatStream
from tests.llm.asking import collect, failing, merged, question, text_of
from tests.llm.ollama_server import OllamaServer, end, part
from tests.llm.wire import answer, playing


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    async with OllamaServer() as made:
        yield made


@pytest.fixture
async def provider(server: OllamaServer) -> AsyncIterator[Ollama]:
    made = Ollama(server.url)
    yield made
    await made.close()


async def test_words_counts_and_one_end(provider: Ollama) -> None:
    events = merged(await collect(provider.stream(question(model="phi3"))))
    words = "".join(f"t{number:05d} " for number in range(1, 11))
    assert events == [TextDelta(words), Usage(7, 10), Finished("stop")]


async def test_the_limit_of_tokens_is_a_reason_of_its_own(provider: Ollama) -> None:
    events = await collect(provider.stream(question(model="phi3", max_tokens=3)))
    assert events[-2:] == [Usage(7, 3), Finished("length")]


async def test_thinking_comes_as_reasoning_before_the_words(server: OllamaServer, provider: Ollama) -> None:
    server.script = [part(thinking="Hm"), part(thinking="m."), part("Yes"), end()]
    events = merged(await collect(provider.stream(question(model="phi3"))))
    assert events[:2] == [ReasoningDelta("Hmm."), TextDelta("Yes")]


async def test_two_calls_of_one_function_are_told_apart(server: OllamaServer, provider: Ollama) -> None:
    calls = [{"function": {"name": "weather", "arguments": {"city": city}}} for city in ("Zürich", "Oslo")]
    server.script = [part(tool_calls=calls), end()]
    events = await collect(provider.stream(question(model="phi3")))
    assert events == [
        ToolCall("weather#0", "weather", '{"city": "Zürich"}'),
        ToolCall("weather#1", "weather", '{"city": "Oslo"}'),
        Usage(7, 3),
        Finished("stop"),
    ]


async def test_no_end_of_calls_is_garbled(server: OllamaServer, provider: Ollama) -> None:
    server.script = [part(tool_calls=[{"function": {"name": "f", "arguments": {}}}] * 129), end()]
    assert isinstance((await failing(provider.stream(question(model="phi3"))))[1], Garbled)


def test_words_that_come_in_one_read_are_one_delta() -> None:
    lines = [part("a"), part("b"), part("c"), end()]
    events = ChatStream("server").feed(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    assert events == [TextDelta("abc"), Usage(7, 3), Finished("stop")]


@pytest.mark.parametrize("odd", ["a\u0085b", "a\u2028b", "a\u2029b", "a\rb\nc\td", "🦙 ünï", 'back\\slash "quoted"'])
async def test_no_sign_in_the_words_ends_a_line(server: OllamaServer, provider: Ollama, odd: str) -> None:
    server.script = [part(odd), part(odd), end()]
    assert text_of(await collect(provider.stream(question(model="phi3")))) == odd * 2


async def test_nul_is_left_out(server: OllamaServer, provider: Ollama) -> None:
    server.script = [part("a\0b"), part("\0"), end()]
    assert text_of(await collect(provider.stream(question(model="phi3")))) == "ab"


async def test_half_a_character_is_replaced() -> None:
    await load_library()
    line = b'{"message":{"role":"assistant","content":"a\\ud800"}}\n'
    async with playing(answer(200, line + orjson.dumps(end()))) as server:
        provider = Ollama(server.url.removesuffix("/v1"))
        assert text_of(await collect(provider.stream(question(model="phi3")))) == "a\ufffd"
        await provider.close()


async def test_an_answer_without_words_ends_all_the_same(server: OllamaServer, provider: Ollama) -> None:
    server.script = [end(eval_count=0)]
    assert await collect(provider.stream(question(model="phi3"))) == [Usage(7, 0), Finished("stop")]


@pytest.mark.parametrize(("count", "kept"), [(None, 0), (-1, 0), (2**62, 2**31 - 1)])
async def test_a_count_that_no_column_holds_is_made_to_fit(
    server: OllamaServer, provider: Ollama, count: int | None, kept: int
) -> None:
    server.script = [end(prompt_eval_count=count)]
    assert (await collect(provider.stream(question(model="phi3"))))[0] == Usage(kept, 3)


# --- what is asked --------------------------------------------------------------------------------------------------


async def sent(server: OllamaServer, provider: Ollama, call: Call) -> dict[str, Any]:
    await collect(provider.stream(call))
    return server.asked("/api/chat")[-1]


async def test_only_samplers_that_we_know_are_sent(server: OllamaServer, provider: Ollama) -> None:
    options = Options(9, 0.1, 0.2, 3, 1.5, seed=4, stop=("END",))
    body = await sent(server, provider, Call("phi3", (Message(Role.USER, "Hi"),), options))
    assert body["options"] == {
        "num_predict": 9,
        "temperature": 0.1,
        "top_p": 0.2,
        "top_k": 3,
        "repeat_penalty": 1.5,
        "seed": 4,
        "stop": ["END"],
    }
    assert body["keep_alive"]
    assert body["stream"] is True


async def test_the_beginning_of_an_answer_is_the_last_message(server: OllamaServer, provider: Ollama) -> None:
    body = await sent(server, provider, question(model="phi3", prefill="Once upon"))
    assert body["messages"][-1] == {"role": "assistant", "content": "Once upon"}


async def test_images_travel_as_base64(server: OllamaServer, provider: Ollama) -> None:
    message = Message(Role.USER, "What is it?", images=(Image(b"\x89PNG", "image/png"),))
    body = await sent(server, provider, Call("phi3", (message,)))
    assert body["messages"] == [{"role": "user", "content": "What is it?", "images": ["iVBORw=="]}]


async def test_a_tool_answers_by_the_name_of_its_function(server: OllamaServer, provider: Ollama) -> None:
    call = Call("phi3", (Message(Role.TOOL, "rain", tool_call_id="weather#0"),))
    assert (await sent(server, provider, call))["messages"] == [
        {"role": "tool", "content": "rain", "tool_name": "weather"}
    ]


async def test_functions_are_offered(server: OllamaServer, provider: Ollama) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "weather", "description": "Now", "parameters": parameters}}
    call = Call("phi3", (Message(Role.USER, "Rain?"),), tools=(tool,))
    assert (await sent(server, provider, call))["tools"] == [tool]


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, "json"),
        ({"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}, {"type": "object"}),
    ],
)
async def test_json_is_asked_for_in_ollamas_words(
    server: OllamaServer, provider: Ollama, wanted: dict[str, Any] | None, asked: object
) -> None:
    call = Call("phi3", (Message(Role.USER, "List"),), response_format=wanted)
    assert (await sent(server, provider, call)).get("format") == asked


async def test_one_connection_serves_one_answer_after_the_other(
    server: OllamaServer, provider: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    await load_library()
    monkeypatch.setattr("apps.llm.providers.ollama_client.DRAIN", 20.0)
    for _ in range(3):
        await collect(provider.stream(question(model="phi3")))
    assert len(server.connections) == 1


# --- the bytes ------------------------------------------------------------------------------------------------------

LINES = [part(thinking="Hm — "), part("Zü"), part("\u2028rich\u0085"), part(""), part("🦙"), end("length")]
RAW = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in LINES)


@given(st.sets(st.integers(1, len(RAW) - 1)))
def test_it_does_not_matter_where_the_network_cuts(cuts: set[int]) -> None:
    answer, places = ChatStream("server"), [0, *sorted(cuts), len(RAW)]
    events = [event for begin, stop in pairwise(places) for event in answer.feed(RAW[begin:stop])]
    words = TextDelta("Zü\u2028rich\u0085🦙")
    assert merged(events) == [ReasoningDelta("Hm — "), words, Usage(7, 3), Finished("length")]
    assert answer.done
    assert answer.failure is None


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    answer = ChatStream("server")
    assert answer.feed(raw) + answer.end() == []
    assert answer.failure is not None


@pytest.mark.parametrize("message", ['{"content":5}', '{"tool_calls":[5,{"function":{"name":1}}]}', '{"thinking":[]}'])
def test_fields_of_another_type_are_passed_over(message: str) -> None:
    answer = ChatStream("server")
    assert answer.feed(f'{{"message":{message}}}\n'.encode()) == []
    assert answer.failure is None


@pytest.mark.parametrize(
    "line",
    [
        b'{"message":{"role":"assistant","content":"a\\u0000b"}}',
        b'{"message":{"role":"assistant","content":"\\ud83d"}}',
        b'{"message":{"role":"assistant","content":"a","thinking":"b"}}',
        b'{"message":{"content":"a","tool_calls":[{"function":{"name":"f"}}]}}',
        b'{"message":{"role":"assistant","content":"a"},"done":true,"done_reason":"length"}',
        b'{"message":{"role":"assistant","content":"a"},"error":"b"}',
        b'{"message":{"role":"assistant","content":["a"]}}',
        b'{"message":"a"}',
        b"[1]",
        b"nonsense",
    ],
)
def test_a_read_with_one_line_is_understood_like_the_same_in_pieces(line: bytes) -> None:
    first = b'{"message":{"role":"assistant","content":"x"},"done":false}\n'
    whole, pieces = ChatStream("server"), ChatStream("server")
    together = merged([*whole.feed(first), *whole.feed(line + b"\n"), *whole.end()])
    data = first + line + b"\n"
    apart = merged([event for at in range(len(data)) for event in pieces.feed(data[at : at + 1])] + pieces.end())
    assert together == apart
    assert str(whole.failure) == str(pieces.failure)
