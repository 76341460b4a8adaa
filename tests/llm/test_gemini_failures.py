"""Whatever can go wrong with Gemini is told in one sentence, and never with the key in it."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import traceback
from collections.abc import AsyncIterator
from typing import Any

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
from apps.llm.events import TextDelta
from apps.llm.providers.base import Timeouts
from apps.llm.providers.gemini import Gemini, library
from apps.llm.settings import LlmSettings
from tests.llm import wire
from tests.llm.asking import failing, question, text_of
from tests.llm.gemini_server import KEY, USAGE, GeminiServer, error, said

FLASH = "gemini-2.5-flash"
HASTY = Timeouts(connect=1.0, first=0.3, silence=0.3)
HEAD = wire.HEAD.replace(b"text/event-stream", b"application/json; charset=UTF-8")
HELLO = json.dumps(said("Hello")).encode()


@pytest.fixture(autouse=True, scope="module")
def loaded() -> None:
    """Load the library before any clock runs."""
    library()


@pytest.fixture
async def server() -> AsyncIterator[GeminiServer]:
    async with GeminiServer() as made:
        yield made


async def failure_at(url: str, *, key: str = KEY, model: str = FLASH, timeouts: Timeouts | None = None) -> Any:
    """The words before an answer fails, and how."""
    provider = Gemini(key, base_url=url, timeouts=timeouts)
    events, failure = await failing(provider.stream(question(model=model)))
    await provider.close()
    assert KEY not in "".join(traceback.format_exception(failure)) + repr(failure) + failure.hint
    return text_of(events), failure


async def failure_of(*parts: bytes, hold: bool = False, timeouts: Timeouts | None = None) -> Any:
    """The same for recorded bytes."""
    async with wire.playing(*parts, hold=hold) as recording:
        return await failure_at(recording.url.removesuffix("/v1"), timeouts=timeouts)


# --- refusals and statuses ------------------------------------------------------------------------------------------

INVALID_KEY = error(
    400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", {"reason": "API_KEY_INVALID"}
)
QUOTA = error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", {"retryDelay": "34.5s"})
TOO_LONG = "The input token count (1100000) exceeds the maximum number of tokens allowed (1048576)."


@pytest.mark.parametrize(
    ("refusal", "kind", "words"),
    [
        (INVALID_KEY, Refused, "API key not valid"),
        (error(401, "UNAUTHENTICATED", "No credentials."), Refused, "401"),
        (error(403, "PERMISSION_DENIED", "Not for you."), Refused, "Not for you"),
        (error(404, "NOT_FOUND", "models/x is not found."), ModelMissing, "models/x is not found"),
        ((404, "<html>"), Garbled, "404"),
        (error(400, "INVALID_ARGUMENT", TOO_LONG), ContextExceeded, "1048576"),
        (error(400, "FAILED_PRECONDITION", "User location is not supported."), Refused, "User location"),
        (error(400, "INVALID_ARGUMENT", "Unknown field in the schema."), Rejected, "Unknown field"),
        (QUOTA, Overloaded, "quota"),
        (error(503, "UNAVAILABLE", "The model is overloaded."), Overloaded, "overloaded"),
        (error(500, "INTERNAL", "An internal error."), ProviderError, "internal error"),
        (error(504, "DEADLINE_EXCEEDED", "Too slow."), ProviderError, "504"),
        ((502, "[5]"), ProviderError, "502"),
        ((500, "not json"), ProviderError, "500"),
        ((302, ""), Garbled, "another address"),
    ],
)
async def test_each_status_has_its_error(
    server: GeminiServer, refusal: tuple[int, str], kind: type[ProviderError], words: str
) -> None:
    server.refusal = refusal
    said, failure = await failure_at(server.url)
    assert (said, type(failure)) == ("", kind)
    assert words in failure.message
    assert len(server.paths) == 1


async def test_a_wrong_key_is_named_with_a_way_out(server: GeminiServer) -> None:
    _, failure = await failure_at(server.url, key="AIzaSy-another")
    assert type(failure) is Refused
    assert "GEMINI_API_KEY" in failure.hint


async def test_quota_says_when_to_come_back(server: GeminiServer) -> None:
    server.refusal = QUOTA
    _, failure = await failure_at(server.url)
    assert failure.retry_after == 34.5


async def test_listing_fails_like_an_answer(server: GeminiServer) -> None:
    server.refusal = INVALID_KEY
    provider = Gemini(KEY, base_url=server.url)
    for ask in (provider.models, provider.ready):
        with pytest.raises(Refused, match="API key not valid"):
            await ask()


@pytest.mark.parametrize("model", ["../../secret", "models/a/b", "a?key=b", "", "a b", "é", ".."])
async def test_a_name_that_is_no_models_name_asks_nobody(server: GeminiServer, model: str) -> None:
    _, failure = await failure_at(server.url, model=model)
    assert type(failure) is ModelMissing
    assert server.paths == []


# --- the key --------------------------------------------------------------------------------------------------------


async def test_a_server_that_repeats_the_key_does_not_make_us_show_it(server: GeminiServer) -> None:
    server.refusal = error(400, "INVALID_ARGUMENT", f"The key {KEY} is bad.")
    _, failure = await failure_at(server.url)
    assert "The key … is bad." in failure.message


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\r\nHost: evil", f"{KEY}é", f"{KEY}\0"])
async def test_a_key_with_odd_characters_is_refused_unseen(server: GeminiServer, key: str) -> None:
    _, failure = await failure_at(server.url, key=key)
    assert type(failure) is Refused
    assert server.paths == []


async def test_the_key_is_in_no_log(server: GeminiServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.refusal = INVALID_KEY
    await failure_at(server.url)
    assert KEY not in caplog.text


def test_the_key_is_in_no_repr() -> None:
    assert KEY not in repr(Gemini(KEY)) + repr(LlmSettings(gemini_api_key=KEY))


async def test_a_redirect_gets_no_key(server: GeminiServer) -> None:
    head = f"HTTP/1.1 307 Moved\r\nLocation: {server.url}/v1beta/models\r\nContent-Length: 0\r\n\r\n"
    _, failure = await failure_of(head.encode())
    assert "another address" in failure.message
    assert server.paths == []


# --- blocks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", 3])
async def test_a_blocked_answer_is_a_refusal_after_its_words(server: GeminiServer, reason: Any) -> None:
    server.chunks = [said("So far"), said(reason=reason)]
    words, failure = await failure_at(server.url)
    assert (words, type(failure)) == ("So far", Refused)
    assert "blocked the answer: " in failure.message


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "PROHIBITED_CONTENT", 99])
async def test_a_blocked_question_is_a_refusal(server: GeminiServer, reason: Any) -> None:
    server.chunks = [{"promptFeedback": {"blockReason": reason}, "usageMetadata": USAGE}]
    words, failure = await failure_at(server.url)
    assert (words, type(failure)) == ("", Refused)
    assert "blocked the question: " in failure.message


@pytest.mark.parametrize(
    ("reason", "kind"), [("OTHER", ProviderError), ("MALFORMED_FUNCTION_CALL", Garbled), (99, ProviderError)]
)
async def test_an_end_that_is_nobodys_fault_may_be_tried_elsewhere(
    server: GeminiServer, reason: Any, kind: type[ProviderError]
) -> None:
    server.chunks = [said(reason=reason)]
    _, failure = await failure_at(server.url)
    assert (type(failure), failure.permanent) == (kind, False)


async def test_tokens_used_up_by_thinking_are_told(server: GeminiServer) -> None:
    server.chunks = [said(reason="MAX_TOKENS", usageMetadata=USAGE)]
    _, failure = await failure_at(server.url)
    assert type(failure) is Refused
    assert "MAX_TOKENS" in failure.hint


# --- broken answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunks", [[], [said()], [{"usageMetadata": USAGE}], [said(reason="STOP")]])
async def test_an_answer_without_words_is_garbled(server: GeminiServer, chunks: list[Any]) -> None:
    server.chunks = chunks
    if not chunks:
        server.tail = b"[]"
    words, failure = await failure_at(server.url)
    assert (words, type(failure)) == ("", Garbled)


async def test_an_error_in_mid_stream_comes_after_the_words(server: GeminiServer) -> None:
    server.chunks = [said("Hello"), {"error": {"code": 500, "message": "Internal", "status": "INTERNAL"}}]
    words, failure = await failure_at(server.url)
    assert (words, type(failure)) == ("Hello", ProviderError)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in</html>",
        b'{"error": {"code": 500}}',
        b'data: {"candidates": []}\n\n',
        b"[" + b"5" * 100 + b"]",
        b'[{"candidates": 5}]',
        b'[{"candidates": [{"content": "x"}]}]',
        b"\xff\xfe\x00\x01",
        b"",
    ],
)
async def test_what_is_not_geminis_wire_is_garbled(body: bytes) -> None:
    words, failure = await failure_of(HEAD, body)
    assert (words, type(failure)) == ("", Garbled)


@pytest.mark.parametrize("rest", [b"", b",", b',{"candidates": [{"con'])
async def test_a_cut_answer_is_told_after_its_words(rest: bytes) -> None:
    words, failure = await failure_of(HEAD, b"[" + HELLO, rest)
    assert (words, type(failure)) == ("Hello", Unreachable)
    assert "broke in the middle" in failure.message


async def test_a_chunk_cut_on_the_way_is_told_after_the_words() -> None:
    head = HEAD.replace(b"Connection: close", b"Transfer-Encoding: chunked")
    words, failure = await failure_of(head, b"%x\r\n[" % (len(HELLO) + 1) + HELLO + b"\r\n", b"50\r\nhalf")
    assert (words, type(failure)) == ("Hello", Unreachable)


async def test_silence_after_a_word_is_given_up() -> None:
    hasty_later = Timeouts(first=20.0, silence=0.3)
    words, failure = await failure_of(HEAD, b"[" + HELLO, hold=True, timeouts=hasty_later)
    assert (words, type(failure)) == ("Hello", TimedOut)


@pytest.mark.parametrize("parts", [(), (HEAD,), (HEAD, b"[")])
async def test_silence_before_the_first_word_is_given_up(parts: tuple[bytes, ...]) -> None:
    words, failure = await failure_of(*parts, hold=True, timeouts=HASTY)
    assert (words, type(failure)) == ("", TimedOut)


async def test_silence_while_listing_is_given_up() -> None:
    async with wire.playing(hold=True) as recording:
        provider = Gemini(KEY, base_url=recording.url, timeouts=HASTY)
        with pytest.raises(TimedOut):
            await provider.ready()


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    _, failure = await failure_at(url)
    assert type(failure) is Unreachable


async def test_a_server_without_tls_is_unreachable(server: GeminiServer) -> None:
    _, failure = await failure_at(server.url.replace("http:", "https:"))
    assert type(failure) is Unreachable


async def test_words_come_as_they_arrive_and_not_at_the_end() -> None:
    async with wire.playing(HEAD, b"[" + HELLO, hold=True) as recording:
        provider = Gemini(KEY, base_url=recording.url.removesuffix("/v1"))
        events = provider.stream(question(model=FLASH))
        async with asyncio.timeout(10):
            assert await anext(events) == TextDelta("Hello")
        await events.aclose()
