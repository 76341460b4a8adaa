"""The reader of OpenAI's event streams, without a network."""

from __future__ import annotations

import json
from dataclasses import astuple
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.llm.errors import ContextExceeded, Garbled, ProviderError, Refused, Rejected, Unreachable
from apps.llm.events import Event, Finished, ReasoningDelta, TextDelta, ToolCall, Usage
from apps.llm.providers.openai_stream import LINE_LIMIT, CompletionStream
from tests.llm.asking import merged, text_of
from tests.llm.wire import STOP, data, token

DONE = "[DONE]"


def read(raw: bytes, *cuts: int) -> tuple[list[Event], ProviderError | None]:
    """All events of these bytes, read in pieces."""
    stream = CompletionStream("model server")
    events: list[Event] = []
    for begin, end in pairwise([0, *sorted(cuts), len(raw)]):
        if begin < end and not stream.done and stream.failure is None:
            events += stream.feed(raw[begin:end])
    if not stream.done and stream.failure is None:
        events += stream.end()
    return events, stream.failure


def delta(**fields: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": fields, "finish_reason": None}]})


def test_all_tokens_of_one_read_are_one_event() -> None:
    events, _ = read(data(token("one "), token("two"), STOP, DONE))
    assert events == [TextDelta("one two"), Finished("stop")]


def test_the_first_token_does_not_wait_for_the_second() -> None:
    assert CompletionStream("x").feed(data(token("first"))) == [TextDelta("first")]


def test_a_line_that_is_not_complete_waits() -> None:
    stream = CompletionStream("x")
    raw = data(token("héllo"))
    assert stream.feed(raw[:-8]) == []
    assert stream.feed(raw[-8:]) == [TextDelta("héllo")]


def test_thinking_and_speaking_are_told_apart_in_their_order() -> None:
    raw = data(delta(reasoning_content="hm"), delta(reasoning="m"), delta(content="Yes"), delta(reasoning="?"), DONE)
    assert read(raw)[0] == [ReasoningDelta("hmm"), TextDelta("Yes"), ReasoningDelta("?"), Finished("stop")]


def test_usage_comes_before_the_end_although_it_is_sent_after_the_finish_reason() -> None:
    usage = '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}'
    assert read(data(token("a"), STOP, usage, DONE))[0] == [TextDelta("a"), Usage(3, 1), Finished("stop")]


@pytest.mark.parametrize("usage", ["5", "[]", '{"prompt_tokens":-1}', '{"prompt_tokens":"3","completion_tokens":true}'])
def test_senseless_usage_does_no_harm(usage: str) -> None:
    events, failure = read(data(token("a"), f'{{"choices":[],"usage":{usage}}}', DONE))
    assert failure is None
    assert [event for event in events if isinstance(event, Usage)] in ([], [Usage(0, 0)])


@pytest.mark.parametrize("reason", ["length", "max_tokens"])
def test_the_token_limit_is_told(reason: str) -> None:
    raw = data(token("a"), STOP.replace("stop", reason), DONE)
    assert read(raw)[0][-1] == Finished("length")


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "eos", "anything"])
def test_other_reasons_are_a_stop(reason: str) -> None:
    assert read(data(STOP.replace("stop", reason), DONE))[0] == [Finished("stop")]


def test_a_content_filter_is_a_refusal_that_keeps_the_words_before_it() -> None:
    events, failure = read(data(token("a"), STOP.replace("stop", "content_filter"), DONE))
    assert text_of(events) == "a"
    assert isinstance(failure, Refused)


def test_pieces_of_function_calls_are_put_together() -> None:
    first = {"index": 0, "id": "c1", "function": {"name": "add", "arguments": '{"a":'}}
    other = {"index": 1, "id": "c2", "function": {"name": "now", "arguments": "{}"}}
    rest = {"index": 0, "function": {"arguments": "1}"}}
    raw = data(delta(tool_calls=[first]), delta(tool_calls=[other]), delta(tool_calls=[rest]), DONE)
    assert read(raw)[0] == [ToolCall("c1", "add", '{"a":1}'), ToolCall("c2", "now", "{}"), Finished("stop")]


def test_endless_function_calls_are_garbled() -> None:
    calls = [{"index": n, "function": {"name": "f"}} for n in range(1000)]
    assert isinstance(read(data(delta(tool_calls=calls), DONE))[1], Garbled)


@pytest.mark.parametrize("line", [": still working", "event: message", "id: 7", "retry: 100", "\r", " "])
def test_other_lines_of_event_streams_are_passed_over(line: str) -> None:
    events, failure = read(data(token("a")) + f"{line}\n\n".encode() + data(DONE))
    assert failure is None
    assert events == [TextDelta("a"), Finished("stop")]


def test_carriage_returns_and_missing_blanks_are_understood() -> None:
    raw = f"data:{token('a')}\r\n\r\ndata:{DONE}\r\n\r\n".encode()
    assert read(raw)[0] == [TextDelta("a"), Finished("stop")]


def test_the_end_without_done_is_an_end_when_the_reason_was_told() -> None:
    assert read(data(token("a"), STOP)) == ([TextDelta("a"), Finished("stop")], None)


def test_done_without_a_line_break_is_an_end() -> None:
    assert read(data(token("a")) + b"data: [DONE]")[0] == [TextDelta("a"), Finished("stop")]


def test_an_answer_that_just_ends_was_cut() -> None:
    events, failure = read(data(token("a")))
    assert events == [TextDelta("a")]
    assert isinstance(failure, Unreachable)


def test_half_a_line_at_the_end_is_a_broken_answer_and_the_words_before_it_are_kept() -> None:
    events, failure = read(data(token("a")) + b'data: {"choices":[{"del')
    assert events == [TextDelta("a")]
    assert isinstance(failure, Unreachable)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"data: [DONE]\n\n",
        b"<!DOCTYPE html>\n<html>",
        b"data: 5\n\n",
        b"data: []\n\n",
        b"data: {oops}\n\n",
        b"data: {}\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        bytes(range(256)),
        b"x" * (LINE_LIMIT + 1),
    ],
)
def test_what_is_no_answer_is_garbled(raw: bytes) -> None:
    events, failure = read(raw)
    assert events == []
    assert isinstance(failure, Garbled)


@pytest.mark.parametrize("choices", ["null", "5", "{}", "[null]", "[5]", '[{"delta":5}]', '[{"delta":{"content":5}}]'])
def test_odd_chunks_are_passed_over(choices: str) -> None:
    events, failure = read(data(token("a"), f'{{"choices":{choices}}}', DONE))
    assert failure is None
    assert events == [TextDelta("a"), Finished("stop")]


def test_an_error_object_ends_the_answer_after_the_words_before_it() -> None:
    events, failure = read(data(token("a"), '{"error":{"message":"boom","code":500}}', token("b")))
    assert events == [TextDelta("a")]
    assert failure is not None
    assert "boom" in failure.message
    assert not failure.permanent


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ('{"code":400,"message":"too long","type":"exceed_context_size_error"}', ContextExceeded),
        ('{"code":"context_length_exceeded","message":"no"}', ContextExceeded),
        ('{"code":400,"message":"no"}', Rejected),
        ('{"code":401,"message":"no"}', Refused),
        ('"overheated"', ProviderError),
        ("true", ProviderError),
    ],
)
def test_errors_inside_of_an_answer_are_told_apart(error: str, kind: type[ProviderError]) -> None:
    assert type(read(data(f'{{"error":{error}}}'))[1]) is kind


def test_the_error_line_of_older_servers_is_an_error() -> None:
    failure = read(b'error: {"code":500,"message":"boom"}\n\n')[1]
    assert failure is not None
    assert "boom" in failure.message


def test_an_answer_in_one_piece_gives_the_same_events() -> None:
    stream = CompletionStream("x")
    body = b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"length"}],"usage":{"prompt_tokens":1}}'
    assert stream.whole(body) == [TextDelta("Hi"), Usage(1, 0), Finished("length")]
    assert stream.done


@pytest.mark.parametrize("body", [b"{}", b"[]", b"nonsense", b'{"choices":[]}'])
def test_one_piece_that_is_no_answer_is_garbled(body: bytes) -> None:
    stream = CompletionStream("x")
    assert stream.whole(body) == []
    assert isinstance(stream.failure, Garbled)


def test_nul_is_taken_away() -> None:
    assert read(data(token("a\\u0000b"), token("\\u0000"), DONE))[0] == [TextDelta("ab"), Finished("stop")]


def test_two_halves_of_one_character_become_one() -> None:
    stream = CompletionStream("x")
    assert stream.feed(data(token("a\\ud83d"))) == [TextDelta("a")]
    assert stream.feed(data(token("\\ude00b"))) == [TextDelta("😀b")]


@pytest.mark.parametrize("raw", [data(token("\\udc00x\\ud800"), DONE), data(token("\\udc00x"), token("\\ud800"), DONE)])
def test_lonely_halves_are_replaced(raw: bytes) -> None:
    assert read(raw)[0] == [TextDelta("\ufffdx\ufffd"), Finished("stop")]


def test_broken_utf_8_is_replaced() -> None:
    raw = data(token("a@b"), DONE).replace(b"@", b"\xff")
    assert read(raw)[0] == [TextDelta("a\ufffdb"), Finished("stop")]


def test_function_calls_are_made_harmless_too() -> None:
    call = {"index": 0, "id": "c\0", "function": {"name": "f\ud800", "arguments": "\0"}}
    assert read(data(delta(tool_calls=[call]), DONE))[0][0] == ToolCall("c", "f\ufffd", "")


def test_what_servers_say_is_shown_short_and_clean() -> None:
    failure = read(f"<p>{'x' * 5000}\x00\x1b[31m".encode())[1]
    assert failure is not None
    assert len(failure.message) < 400
    assert failure.message.isprintable()


pieces = st.one_of(
    st.builds(lambda text: delta(content=text), st.text(st.characters(exclude_categories=()), max_size=8)),
    st.builds(lambda text: delta(reasoning_content=text), st.text(st.characters(exclude_categories=()), max_size=8)),
    st.sampled_from([STOP, delta(), DONE, '{"error":{"message":"boom"}}', '{"choices":[]}', "{oops"]),
    st.builds(lambda n: json.dumps({"usage": {"prompt_tokens": n, "completion_tokens": 1}}), st.integers(0, 9)),
    st.builds(
        lambda index, text: delta(tool_calls=[{"index": index, "function": {"name": "f", "arguments": text}}]),
        st.integers(0, 2),
        st.text(max_size=5),
    ),
)


@given(lines=st.lists(pieces, max_size=12), cuts=st.lists(st.integers(0, 2000), max_size=20))
def test_it_does_not_matter_how_the_network_cuts_the_stream(lines: list[str], cuts: list[int]) -> None:
    raw = data(*lines)
    events, failure = read(raw)
    cut_events, cut_failure = read(raw, *(min(cut, len(raw)) for cut in cuts))
    assert merged(cut_events) == merged(events)
    assert repr(cut_failure) == repr(failure)


@given(st.lists(pieces, max_size=12))
def test_every_event_can_be_stored_and_sent_and_the_end_is_told_once(lines: list[str]) -> None:
    events, failure = read(data(*lines))
    texts = [value for event in events for value in astuple(event) if isinstance(value, str)]
    assert "\0" not in "".join(texts)
    assert "".join(texts).encode() or not any(texts)
    ends = [event for event in events if isinstance(event, Finished)]
    assert len(ends) == (1 if failure is None else 0)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything(raw: bytes) -> None:
    events, failure = read(raw)
    assert failure is not None or isinstance(events[-1], Finished)


@pytest.mark.parametrize(
    "chunk",
    [
        '{"choices":[{"delta":{"content":"a\\u0000b"}}]}',
        '{"choices":[{"delta":{"content":"\\ud83d"}}]}',
        '{"choices":[{"delta":{"content":"a","reasoning_content":"b"}}]}',
        '{"choices":[{"delta":{"content":"a"},"finish_reason":"length"}]}',
        '{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}',
        '{"choices":[{"delta":{"content":"a"}}],"error":{"message":"b"}}',
        '{"choices":[{"delta":{"content":["a"]}}]}',
        '{"choices":[{"delta":"a"}]}',
        '{"choices":[]}',
        "[1]",
        "nonsense",
    ],
)
def test_a_read_with_one_chunk_is_understood_like_the_same_in_pieces(chunk: str) -> None:
    line = data(token("x"), chunk)
    whole, pieces = CompletionStream("server"), CompletionStream("server")
    cut = len(data(token("x")))
    together = merged([*whole.feed(line[:cut]), *whole.feed(line[cut:]), *whole.end()])
    apart = merged([event for at in range(len(line)) for event in pieces.feed(line[at : at + 1])] + pieces.end())
    assert together == apart
    assert str(whole.failure) == str(pieces.failure)
