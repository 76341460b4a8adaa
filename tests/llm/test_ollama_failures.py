"""What goes wrong with Ollama, played as recorded bytes: each failure has its error, and the next call works."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import orjson
import pytest

from apps.llm.errors import (
    ContextExceeded,
    Garbled,
    ModelMissing,
    Overloaded,
    ProviderError,
    Refused,
    Rejected,
    TimedOut,
    Unreachable,
)
from apps.llm.events import Event, TextDelta
from apps.llm.messages import Call, Message, Role
from apps.llm.providers.base import Timeouts
from apps.llm.providers.ollama import Ollama, load_library
from tests.llm.asking import collect, each_closed, failing, question, text_of, until
from tests.llm.ollama_server import OllamaServer, end, part
from tests.llm.wire import Recording, answer, playing, recorded

SHORT = Timeouts(connect=0.3, first=0.3, silence=0.3)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"
WORD = orjson.dumps(part("word")) + b"\n"
END = orjson.dumps(end()) + b"\n"
Make = Callable[..., Ollama]


@pytest.fixture(autouse=True)
async def loaded() -> None:
    """Without the package no question is asked before the server has told its version."""
    await load_library()


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes providers and closes them in the end."""

    def ollama(url: str, timeouts: Timeouts | None = None) -> Ollama:
        return Ollama(url.removesuffix("/v1"), timeouts=timeouts)

    async with each_closed(ollama) as build:
        yield build


async def failure_of(provider: Ollama) -> tuple[list[Event], ProviderError]:
    """The events of an answer that fails, and its error."""
    return await failing(provider.stream(question(model="phi3")))


@pytest.mark.parametrize(
    ("status", "body", "kind", "hint"),
    [
        (302, b"", Garbled, "OLLAMA_BASE_URL"),
        (400, b'{"error":"the input length exceeds the context length"}', ContextExceeded, ""),
        (400, b'{"error":"registry.ollama.ai/library/phi3 does not support tools"}', Rejected, ""),
        (401, b"", Refused, "OLLAMA_BASE_URL"),
        (404, b'{"error":"model \\"phi3\\" not found, try pulling it first"}', ModelMissing, "ollama pull phi3"),
        (404, b"404 page not found", Garbled, "OLLAMA_BASE_URL"),
        (500, b'{"error":"model requires more system memory (5.6 GiB) than is available"}', ProviderError, ""),
        (502, b"<html>bad gateway</html>", ProviderError, ""),
        (503, b'{"error":"server busy, please try again.  maximum pending requests exceeded"}', Overloaded, ""),
    ],
)
async def test_each_status_has_its_error_and_hint(
    make: Make, status: int, body: bytes, kind: type[ProviderError], hint: str
) -> None:
    async with playing(answer(status, body)) as server:
        events, failure = await failure_of(make(server.url))
    assert events == []
    assert type(failure) is kind
    assert hint in failure.hint


@pytest.mark.parametrize(
    "raw",
    [
        answer(200, b"<!DOCTYPE html>\n<title>Hello</title>\n", media="text/html"),
        answer(200, b"nonsense"),
        answer(200, b"nonsense\n"),
        answer(200, b"{}\n"),
        answer(200, b"[]\n"),
        answer(200, b"null\n"),
        answer(200, b'{"message":5}\n'),
        answer(200, b"[" * 100_000 + b"\n"),
        answer(200, b"\n"),
        answer(200, b""),
        HEAD + b'{"half',
        HEAD + b"\x00\xff\n",
        HEAD,
        HEAD + orjson.dumps(end("load")) + b"\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_not_the_protocol_is_garbled_or_broken(make: Make, raw: bytes) -> None:
    async with playing(raw) as server:
        events, failure = await failure_of(make(server.url))
    assert events == []
    assert isinstance(failure, Garbled | Unreachable)
    assert failure.hint


@pytest.mark.parametrize(
    ("rest", "kind"),
    [
        (b"", Unreachable),
        (WORD[:30], Unreachable),
        (b"garbage\n", Garbled),
        (b'{"error":"llama runner process has terminated"}\n', ProviderError),
        (b'{"error":{"message":"odd"}}\n', ProviderError),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_words_before_a_failure_are_delivered(
    make: Make, rest: bytes, kind: type[ProviderError], at_once: bool
) -> None:
    parts = [HEAD + WORD + WORD + rest] if at_once else [HEAD, WORD, WORD, rest]
    async with playing(*parts) as server:
        events, failure = await failure_of(make(server.url))
    assert text_of(events) == "wordword"
    assert type(failure) is kind


async def test_a_reset_in_mid_answer_is_a_broken_connection(make: Make) -> None:
    async with playing(HEAD + WORD, reset=True) as server:
        assert type((await failure_of(make(server.url)))[1]) is Unreachable


async def test_an_answer_may_be_cut_anywhere(make: Make) -> None:
    raw = WORD + orjson.dumps(part("ünï")) + b"\n" + END
    async with playing(HEAD, *(raw[place : place + 1] for place in range(len(raw)))) as server:
        events = await collect(make(server.url).stream(question(model="phi3")))
    assert text_of(events) == "wordünï"


async def test_a_last_line_without_its_end_counts(make: Make) -> None:
    async with playing(HEAD + WORD + END.strip()) as server:
        assert text_of(await collect(make(server.url).stream(question(model="phi3")))) == "word"


async def test_a_line_without_end_is_not_collected_for_ever(make: Make) -> None:
    async with playing(HEAD + b'{"' + b"x" * (5 * 1024 * 1024), hold=True) as server:
        assert type((await failure_of(make(server.url)))[1]) is Garbled


async def test_nobody_there_is_told_at_once(make: Make) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        provider = make(f"http://127.0.0.1:{probe.getsockname()[1]}")
    for ask in (provider.models, provider.ready, lambda: collect(provider.stream(question(model="phi3")))):
        with pytest.raises(Unreachable, match="Ollama server at 127"):
            await ask()


@pytest.mark.parametrize("parts", [(), (HEAD,), (HEAD, WORD)])
async def test_silence_is_given_up_on(make: Make, parts: tuple[bytes, ...]) -> None:
    async with playing(*parts, hold=True) as server:
        assert type((await failure_of(make(server.url, SHORT)))[1]) is TimedOut


async def test_another_program_at_the_address_is_told(make: Make) -> None:
    async with playing(answer(404, b"404 page not found")) as server:
        with pytest.raises(Garbled) as caught:
            await make(server.url).ready()
    assert "OLLAMA_BASE_URL" in caught.value.hint


async def test_a_silent_server_does_not_keep_the_list_of_models_waiting(make: Make) -> None:
    async with playing(hold=True) as server:
        provider = make(server.url, SHORT)
        with pytest.raises(TimedOut):
            await provider.models()
        with pytest.raises(TimedOut):
            await provider.ready()


async def test_an_idle_connection_that_was_closed_is_opened_again(make: Make) -> None:
    body = WORD + END
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with recorded(Recording([[head + body]])) as server:
        provider = make(server.url)
        for _ in range(3):
            assert text_of(await collect(provider.stream(question(model="phi3")))) == "word"


async def test_several_closed_connections_in_a_row_are_replaced(make: Make) -> None:
    async with recorded(Recording([[], [], [], [HEAD + WORD + END]])) as server:
        assert text_of(await collect(make(server.url).stream(question(model="phi3")))) == "word"
    assert server.connections == 4


async def test_a_failure_does_not_spoil_the_next_answer(make: Make) -> None:
    async with recorded(Recording([[HEAD + b"garbage\n"], [HEAD + WORD + END]])) as server:
        provider = make(server.url)
        await failure_of(provider)
        assert text_of(await collect(provider.stream(question(model="phi3")))) == "word"


async def test_a_name_and_a_password_in_the_address_are_sent_and_never_told(make: Make) -> None:
    async with playing(answer(401, b"")) as server:
        provider = make(server.url.replace("http://", "http://alice:s3cret@"))
        _, failure = await failure_of(provider)
    assert b"Basic YWxpY2U6czNjcmV0" in server.heads[0]
    assert "s3cret" not in f"{failure.message} {failure.hint}"


async def test_functions_in_an_unknown_shape_are_refused(make: Make) -> None:
    call = Call("phi3", (Message(Role.USER, "Hi"),), tools=({"type": 5},))
    async with OllamaServer() as server:
        assert type((await failing(make(server.url).stream(call)))[1]) is Rejected


async def test_stopping_before_the_first_word_stops_the_server(make: Make) -> None:
    async with OllamaServer() as server:
        server.loading.clear()
        task = asyncio.create_task(collect(make(server.url).stream(question(model="phi3"))))
        await until(lambda: server.open_streams == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: server.open_streams == 0)


async def test_deltas_are_never_empty(make: Make) -> None:
    async with playing(HEAD, orjson.dumps(part("")) + b"\n", WORD, END) as server:
        events = await collect(make(server.url).stream(question(model="phi3")))
    assert [event for event in events if isinstance(event, TextDelta)] == [TextDelta("word")]
