"""What goes wrong on OpenAI's wire, played as recorded bytes: each failure has its error, and the next call works."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from apps.llm.errors import (
    ContextExceeded,
    Garbled,
    Loading,
    ModelMissing,
    Overloaded,
    ProviderError,
    Refused,
    Rejected,
    TimedOut,
    Unreachable,
)
from apps.llm.events import Event, Finished, TextDelta
from apps.llm.providers.base import Timeouts
from apps.llm.providers.openai_compatible import OpenAICompatible
from benchmarks.standin import StandIn
from tests.llm.asking import collect, each_closed, failing, question, text_of, until
from tests.llm.wire import HEAD, STOP, Recording, answer, data, playing, recorded, token

SHORT = Timeouts(connect=0.3, first=0.3, silence=0.3)
Make = Callable[..., OpenAICompatible]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes providers and closes them in the end."""
    async with each_closed(OpenAICompatible) as build:
        yield build


async def failure_of(provider: OpenAICompatible, model: str = "m") -> tuple[list[Event], ProviderError]:
    """The events of an answer that fails, and its error."""
    return await failing(provider.stream(question(model=model)))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (302, b"", Garbled),
        (
            400,
            b'{"error":{"type":"exceed_context_size_error","message":"request (6031 tokens) exceeds"}}',
            ContextExceeded,
        ),
        (400, b'{"error":{"code":"context_length_exceeded","message":"This model\'s maximum"}}', ContextExceeded),
        (400, b'{"object":"error","message":"maximum context length is 10 tokens","code":400}', ContextExceeded),
        (413, b'{"error":{"message":"prompt is too long"}}', ContextExceeded),
        (400, b'{"error":{"message":"model \'x\' not found"}}', ModelMissing),
        (400, b'{"error":{"message":"temperature must be below 2"}}', Rejected),
        (401, b'{"error":{"message":"Incorrect API key provided"}}', Refused),
        (403, b"<html>forbidden</html>", Refused),
        (404, b'{"error":{"code":"model_not_found","message":"The model `x` does not exist"}}', ModelMissing),
        (404, b'{"error":{"message":"File Not Found","type":"not_found_error"}}', Garbled),
        (404, b"<html>nginx</html>", Garbled),
        (422, b'{"detail":[{"msg":"field required"}]}', Rejected),
        (429, b'{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}', Refused),
        (429, b"", Overloaded),
        (500, b'{"error":"out of memory"}', ProviderError),
        (502, b"<html>bad gateway</html>", ProviderError),
        (503, b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}', Loading),
        (503, b"busy", Overloaded),
        (599, b"\xff\xfe", ProviderError),
    ],
)
async def test_each_status_has_its_error(make: Make, status: int, body: bytes, kind: type[ProviderError]) -> None:
    async with playing(answer(status, body)) as server:
        events, failure = await failure_of(make(server.url))
    assert events == []
    assert type(failure) is kind
    assert failure.hint


async def test_retry_after_is_told(make: Make) -> None:
    async with playing(answer(429, b"", "Retry-After: 7")) as server:
        assert (await failure_of(make(server.url)))[1].retry_after == 7


@pytest.mark.parametrize("value", ["soon", "-1", "1e9", "Wed, 21 Oct 2015 07:28:00 GMT", "9" * 12])
async def test_a_senseless_retry_after_is_ignored(make: Make, value: str) -> None:
    async with playing(answer(429, b"", f"Retry-After: {value}")) as server:
        assert (await failure_of(make(server.url)))[1].retry_after is None


@pytest.mark.parametrize(
    "raw",
    [
        answer(200, b"<!DOCTYPE html><title>Hello</title>", media="text/html"),
        answer(200, b"nonsense"),
        answer(200, b"{}"),
        answer(200, b""),
        HEAD + b"data: {half",
        HEAD + b"\x00\xff\n",
        HEAD,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_not_the_protocol_is_garbled_or_broken(make: Make, raw: bytes) -> None:
    async with playing(raw) as server:
        events, failure = await failure_of(make(server.url))
    assert events == []
    assert isinstance(failure, Garbled | Unreachable)


async def test_a_refused_connection_is_unreachable(make: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        failure = (await failure_of(make(f"http://127.0.0.1:{free.getsockname()[1]}/v1")))[1]
    assert type(failure) is Unreachable
    assert failure.message.endswith("Connection refused.")


async def test_an_unknown_name_is_unreachable(make: Make) -> None:
    assert type((await failure_of(make("http://no-such-host.invalid/v1")))[1]) is Unreachable


async def test_a_server_without_tls_is_told_from_one_that_is_away(make: Make) -> None:
    async with playing(answer(200, b"{}")) as server:
        failure = (await failure_of(make(server.url.replace("http:", "https:"))))[1]
    assert type(failure) is Unreachable
    assert "certificate" in failure.hint


async def test_a_connection_that_is_closed_without_an_answer_is_unreachable(make: Make, standin: StandIn) -> None:
    assert type((await failure_of(make(standin.url), "refuse"))[1]) is Unreachable


async def test_a_server_that_never_accepts_is_given_up(make: Make) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/v1"
        assert type((await failure_of(make(url, timeouts=SHORT)))[1]) is TimedOut


async def test_a_server_that_takes_the_question_and_hangs_is_given_up(make: Make, standin: StandIn) -> None:
    assert type((await failure_of(make(standin.url, timeouts=SHORT), "hang"))[1]) is TimedOut


@pytest.mark.parametrize("parts", [HEAD, HEAD + b": still alive\n\n" * 50, HEAD + data('{"choices":[]}')])
async def test_only_an_event_ends_the_wait_for_the_first_one(make: Make, parts: bytes) -> None:
    async with playing(parts, hold=True) as server:
        timeouts = Timeouts(connect=1, first=0.3, silence=60)
        events, failure = await failure_of(make(server.url, timeouts=timeouts))
    assert events == []
    assert type(failure) is TimedOut


async def test_silence_in_mid_answer_is_given_up_and_the_words_are_kept(make: Make, standin: StandIn) -> None:
    timeouts = Timeouts(connect=1, first=60, silence=0.2)
    events, failure = await failure_of(make(standin.url, timeouts=timeouts), "silent-at-3")
    assert text_of(events) == "t00001 t00002 t00003 "
    assert type(failure) is TimedOut
    await until(lambda: standin.stats.disconnected == 1)


async def test_a_slow_reader_is_not_taken_for_a_silent_server(make: Make) -> None:
    provider = make("http://unused/v1", timeouts=Timeouts(connect=1, first=0.1, silence=0.1))
    async with playing(HEAD + data(token("a")), data(token("b")), data(STOP, "[DONE]")) as server:
        provider.base_url = server.url
        words = []
        async for event in provider.stream(question()):
            words.append(event)
            await asyncio.sleep(0.4)
    assert text_of(words) == "ab"


async def test_a_connection_that_breaks_in_mid_answer_keeps_the_words(make: Make, standin: StandIn) -> None:
    events, failure = await failure_of(make(standin.url), "cut-at-5")
    assert text_of(events) == "t00001 t00002 t00003 t00004 t00005 "
    assert type(failure) is Unreachable


async def test_a_body_that_ends_too_early_keeps_the_words(make: Make) -> None:
    head = HEAD.replace(b"Connection: close", b"Content-Length: 9999")
    async with playing(head + data(token("a"))) as server:
        events, failure = await failure_of(make(server.url))
    assert events == [TextDelta("a")]
    assert type(failure) is Unreachable


async def test_a_connection_that_breaks_after_the_reason_was_told_is_an_end(make: Make) -> None:
    head = HEAD.replace(b"Connection: close", b"Content-Length: 9999")
    async with playing(head + data(token("a"), STOP)) as server:
        events = await collect(make(server.url).stream(question()))
    assert events == [TextDelta("a"), Finished("stop")]


async def test_an_error_inside_of_the_answer_keeps_the_words(make: Make, standin: StandIn) -> None:
    events, failure = await failure_of(make(standin.url), "error-at-2")
    assert text_of(events) == "t00001 t00002 "
    assert "The engine broke" in failure.message


@pytest.mark.parametrize("model", ["fail-500", "garbage", "half-line", "html-page", "refuse", "cut-at-1", "error-at-1"])
async def test_the_next_call_works_after_each_failure(make: Make, standin: StandIn, model: str) -> None:
    provider = make(standin.url)
    await failure_of(provider, model)
    assert text_of(await collect(provider.stream(question(model="tokens-2")))) == "t00001 t00002 "


async def test_an_idle_connection_that_the_server_closed_is_replaced(make: Make) -> None:
    whole = HEAD.replace(b"Connection: close", b"Content-Length: %d") % len(data(token("a"), STOP, "[DONE]"))
    good = [whole + data(token("a"), STOP, "[DONE]")]
    async with recorded(Recording([good])) as server:
        provider = make(server.url)
        for _ in range(3):
            assert text_of(await collect(provider.stream(question()))) == "a"
    assert server.connections == 3


async def test_several_closed_connections_in_a_row_are_replaced(make: Make) -> None:
    whole = HEAD.replace(b"Connection: close", b"Content-Length: %d") % len(data(token("a"), STOP, "[DONE]"))
    good = [whole + data(token("a"), STOP, "[DONE]")]
    async with recorded(Recording([[], [], [], good])) as server:
        assert text_of(await collect(make(server.url).stream(question()))) == "a"
    assert server.connections == 4


async def test_a_connection_is_used_again_for_the_next_call(make: Make, standin: StandIn) -> None:
    provider = make(standin.url)
    for _ in range(5):
        await collect(provider.stream(question()))
    assert standin.stats.connections == 1


async def test_a_listing_that_is_not_json_is_garbled(make: Make) -> None:
    async with playing(answer(200, b"<html>")) as server:
        with pytest.raises(Garbled):
            await make(server.url).models()


async def test_a_listing_that_never_comes_is_given_up(make: Make) -> None:
    async with playing(hold=True) as server:
        with pytest.raises(TimedOut):
            await make(server.url, timeouts=SHORT).models()


async def test_a_loading_server_is_not_ready(make: Make) -> None:
    async with StandIn(loading=60) as server:
        assert not await make(server.url, llama=True).ready()
        assert not await make(server.url).ready()


async def test_passwords_and_keys_are_not_told(make: Make) -> None:
    provider = make("http://user:secret@127.0.0.1:1/v1", api_key="sk-hidden")
    failure = (await failure_of(provider))[1]
    assert "secret" not in failure.message
    assert "sk-hidden" not in repr(failure)
