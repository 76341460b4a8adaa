"""OpenAI's chat completions, through the whole application: answers, streams, their ends, and who gets none."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import brotli
import orjson
import pytest

from apps.accounts import services
from apps.accounts.models import DailyUsage, User
from apps.chat.completions.ledger import ledger
from apps.chat.models import Conversation
from apps.core import draining, metrics
from apps.core.database import in_database
from apps.llm.errors import ContextExceeded, Rejected, Unreachable
from apps.llm.events import Event, Finished, ToolCall
from apps.llm.messages import Call as ModelCall
from apps.llm.messages import Role
from apps.llm.providers.scripted import Script, Scripted
from tests import cast
from tests.chat.programs import COMPLETIONS, begin, post, until

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "".join(f"t{n:05d} " for n in range(1, 11))
QUESTION = {"model": "scripted", "messages": [{"role": "user", "content": "Numbers, please."}]}


@pytest.fixture
async def key(transactional_db: None) -> str:
    return await in_database(lambda: cast.key_of(cast.alice(), "chat"))


def asked(**more: Any) -> dict[str, Any]:
    return QUESTION | more


async def test_a_whole_answer_has_the_shape_of_openai(model: Scripted, key: str) -> None:
    heard = await post(COMPLETIONS, QUESTION, key)
    assert heard.status == 200
    assert heard.json["object"] == "chat.completion"
    (choice,) = heard.json["choices"]
    assert choice["message"]["content"] == WORDS
    assert choice["finish_reason"] == "stop"
    assert heard.json["usage"] == {"prompt_tokens": 1, "completion_tokens": 10, "total_tokens": 11}
    assert "x-response-time" in heard.headers


@pytest.mark.parametrize(("accepts", "unpack"), [("gzip, deflate", gzip.decompress), ("br, gzip", brotli.decompress)])
@pytest.mark.parametrize("length", [400, 40_000])
async def test_a_long_whole_answer_is_compressed_for_who_can_read_that(
    model: Scripted, key: str, accepts: str, unpack: Callable[[bytes], bytes], length: int
) -> None:
    model.scripts = [Script(tokens=("bread ",) * length)]
    heard = await post(COMPLETIONS, QUESTION, key, headers={"accept-encoding": accepts})
    assert heard.headers["content-encoding"] in accepts
    assert (heard.headers["vary"], heard.headers["content-length"]) == ("Accept-Encoding", str(len(heard.body)))
    assert orjson.loads(unpack(heard.body))["choices"][0]["message"]["content"] == "bread " * length


@pytest.mark.parametrize(
    ("accepts", "stream", "words"),
    [("", False, 400), ("identity", False, 400), ("gzip", False, 3), ("gzip", True, 400)],
)
async def test_short_answers_and_streams_go_out_as_they_are(
    model: Scripted, key: str, accepts: str, stream: bool, words: int
) -> None:
    model.scripts = [Script(tokens=("bread ",) * words)]
    heard = await post(COMPLETIONS, asked(stream=stream), key, headers={"accept-encoding": accepts})
    assert "content-encoding" not in heard.headers
    assert (heard.words if stream else heard.json["choices"][0]["message"]["content"]) == "bread " * words


async def test_a_stream_says_every_word_once_and_ends(model: Scripted, key: str) -> None:
    heard = await post(COMPLETIONS, asked(stream=True), key)
    assert heard.headers["content-type"].startswith("text/event-stream")
    assert heard.words == WORDS
    assert heard.events[0]["choices"][0]["delta"]["role"] == "assistant"
    assert heard.events[-2]["choices"][0]["finish_reason"] == "stop"
    assert heard.events[-1] == "[DONE]"
    assert len({event["id"] for event in heard.events[:-1]}) == 1


async def test_usage_comes_last_where_it_was_asked_for(model: Scripted, key: str) -> None:
    heard = await post(COMPLETIONS, asked(stream=True, stream_options={"include_usage": True}), key)
    counted = heard.events[-2]
    assert (counted["choices"], counted["usage"]["completion_tokens"]) == ([], 10)
    assert all(event["usage"] is None for event in heard.events[:-2])


async def test_nothing_stays_but_the_count_of_tokens(model: Scripted, key: str) -> None:
    await post(COMPLETIONS, QUESTION, key)
    await post(COMPLETIONS, asked(stream=True), key)
    await ledger().settle()
    assert not await in_database(Conversation.objects.exists)
    (day,) = await in_database(lambda: list(DailyUsage.objects.all()))
    assert (day.messages, day.prompt_tokens, day.completion_tokens) == (2, 2, 20)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_shall_be_stored_becomes_a_chat(model: Scripted, key: str, stream: bool) -> None:
    said = [{"role": "system", "content": "Be brief."}, *QUESTION["messages"]]
    await post(COMPLETIONS, asked(messages=said, store=True, stream=stream), key)
    chat = await in_database(Conversation.objects.get)
    assert (chat.system_prompt, chat.title) == ("Be brief.", "Numbers, please")
    rows = await in_database(lambda: list(chat.messages.order_by("position").values_list("role", "text")))
    assert rows == [("user", "Numbers, please."), ("assistant", WORDS)]


async def test_the_model_gets_what_was_said_and_nothing_more(model: Scripted, key: str) -> None:
    said = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "A"}]}]
    await post(COMPLETIONS, {"messages": said, "max_tokens": 7, "n_discard": 5, "grammar": "x", "frobnicate": 1}, key)
    (call,) = model.calls
    assert [(message.role, message.text) for message in call.messages] == [(Role.SYSTEM, "Be brief."), (Role.USER, "A")]
    assert call.options.max_tokens == 7


async def test_a_client_that_leaves_stops_its_generation(model: Scripted, key: str) -> None:
    model.scripts = [Script(tokens=("a ", "b ") * 500, delay=0.05)]
    call = await begin(COMPLETIONS, asked(stream=True), key)
    async for piece in call.pieces():
        if b"a " in piece:
            break
    assert model.running == 1
    await call.leave()
    assert model.running == 0


async def test_a_client_that_leaves_before_a_whole_answer_stops_it_too(model: Scripted, key: str) -> None:
    model.scripts = [Script(tokens=("a ",) * 500, delay=0.05)]
    call = await begin(COMPLETIONS, QUESTION, key)
    await until(lambda: model.running == 1)
    await call.leave()
    assert model.running == 0


async def test_what_a_stopped_answer_took_is_counted_too(model: Scripted, key: str) -> None:
    model.scripts = [Script(tokens=("abcd",) * 500, delay=0.05)]
    call = await begin(COMPLETIONS, asked(stream=True), key)
    async for piece in call.pieces():
        if b"abcd" in piece:
            break
    await call.leave()
    await ledger().settle()
    (day,) = await in_database(lambda: list(DailyUsage.objects.all()))
    assert day.completion_tokens > 0


async def test_a_failure_before_the_first_word_has_its_status(model: Scripted, key: str) -> None:
    model.scripts = [Script(failure=Unreachable("It is off."))]
    for body in (QUESTION, asked(stream=True)):
        heard = await post(COMPLETIONS, body, key)
        assert (heard.status, heard.json["error"]["type"]) == (502, "server_error")


async def test_a_failure_in_the_middle_is_the_last_event(model: Scripted, key: str) -> None:
    model.scripts = [Script(failure=Unreachable("It broke."), fails_after=3)]
    heard = await post(COMPLETIONS, asked(stream=True), key)
    assert heard.status == 200
    assert heard.words.split() == ["t00001", "t00002", "t00003"]
    assert heard.events[-1]["error"]["code"] == "provider_unreachable"


async def test_too_long_a_question_has_the_code_that_clients_know(model: Scripted, key: str) -> None:
    model.scripts = [Script(failure=ContextExceeded("Too long."))]
    heard = await post(COMPLETIONS, QUESTION, key)
    assert (heard.status, heard.json["error"]["code"]) == (400, "context_length_exceeded")


async def test_what_the_model_server_finds_wrong_with_a_question_is_400(model: Scripted, key: str) -> None:
    """OpenAI's clients send a request again that was answered with 502, and never one with 400."""
    model.scripts = [Script(failure=Rejected("JSON schema error at #: unrecognized type."))]
    heard = await post(COMPLETIONS, QUESTION, key)
    assert (heard.status, heard.json["error"]["type"]) == (400, "invalid_request_error")
    assert "unrecognized type" in heard.json["error"]["message"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_a_body_that_is_not_json_is_415(model: Scripted, key: str, kind: str) -> None:
    heard = await post(COMPLETIONS, QUESTION, key, headers={"content-type": kind})
    assert (heard.status, heard.json["error"]["code"]) == (415, "unsupported_media_type")
    assert "application/json" in heard.json["error"]["message"]
    assert not model.calls


async def test_a_json_body_may_name_its_letters(model: Scripted, key: str) -> None:
    kind = {"content-type": "Application/JSON; charset=utf-8"}
    assert (await post(COMPLETIONS, QUESTION, key, headers=kind)).status == 200


async def test_an_unknown_model_is_404(model: Scripted, key: str) -> None:
    heard = await post(COMPLETIONS, asked(model="gpt-9"), key)
    assert (heard.status, heard.json["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"messages": []}, "messages"),
        ({"temperature": 3}, "temperature"),
        ({"stream": "yes"}, "stream"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"tools": [{"function": {"name": "x"}}]}, "tools[0]"),
        ({"tools": ["x"]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {"name": 5}}]}, "tools[0]"),
    ],
)
async def test_a_wrong_field_is_named(model: Scripted, key: str, more: dict[str, Any], param: str) -> None:
    heard = await post(COMPLETIONS, asked(**more), key)
    assert (heard.status, heard.json["error"]["param"]) == (400, param)
    assert heard.json["error"]["type"] == "invalid_request_error"
    assert not model.calls


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"messages": NaN}', b"[" * 5000, b'"\\ud800"'])
async def test_what_is_no_request_is_400(model: Scripted, key: str, body: bytes) -> None:
    heard = await post(COMPLETIONS, body, key)
    assert heard.status == 400
    assert heard.json["error"]["message"]


async def test_a_wrong_key_is_401_in_the_shape_of_openai(model: Scripted, key: str) -> None:
    heard = await post(COMPLETIONS, QUESTION, "nk_wrong")
    assert (heard.status, heard.json["error"]["type"]) == (401, "authentication_error")
    assert heard.json["error"]["code"] == "invalid_api_key"
    assert heard.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_for_something_else_or_for_reading_is_403(model: Scripted, alice: User) -> None:
    for scopes in (["images"], ["chat:read"]):
        key = await in_database(cast.key_of, alice, *scopes)
        heard = await post(COMPLETIONS, QUESTION, key)
        assert (heard.status, heard.json["error"]["code"]) == (403, "scope_missing")


async def test_a_key_in_the_address_is_refused(model: Scripted, key: str) -> None:
    heard = await post(COMPLETIONS, QUESTION, key, query=f"api_key={key}")
    assert heard.status == 401
    assert not model.calls


async def test_a_key_of_somebody_who_was_switched_off_is_401(model: Scripted, key: str) -> None:
    await in_database(User.objects.update, is_active=False)
    assert (await post(COMPLETIONS, QUESTION, key)).status == 401


async def test_a_stream_ends_when_its_key_is_revoked(
    model: Scripted, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.accounts.watch.SECONDS", 0.05)
    made = await in_database(lambda: services.api_key_create(user=alice, name="x"))
    model.scripts = [Script(tokens=("a ",) * 10_000, delay=0.02)]
    call = await begin(COMPLETIONS, asked(stream=True), made.secret)
    async for piece in call.pieces():
        if b"a " in piece:
            await in_database(lambda: services.api_key_revoke(key=made.key))
    assert call.heard.events[-1]["error"]["code"] == "invalid_api_key"
    assert model.running == 0


async def test_too_many_questions_are_429_with_the_time_to_wait(
    model: Scripted, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.conf.settings.RATE_LIMIT_CHAT", "1/minute")
    assert (await post(COMPLETIONS, QUESTION, key)).status == 200
    heard = await post(COMPLETIONS, QUESTION, key)
    assert (heard.status, heard.json["error"]["type"]) == (429, "rate_limit_error")
    assert int(heard.headers["retry-after"]) >= 1


async def test_nothing_new_begins_while_the_server_restarts(model: Scripted, key: str) -> None:
    draining.begin()
    heard = await post(COMPLETIONS, QUESTION, key)
    assert (heard.status, heard.json["error"]["code"]) == (503, "restarting")


async def test_get_is_not_allowed_and_said_so_in_the_shape_of_openai(model: Scripted, key: str) -> None:
    call = await begin(COMPLETIONS, b"", key)
    call.line.scope["method"] = "GET"
    assert (await call.whole()).status == 405


class Caller(Scripted):
    """A model that wants a function called."""

    async def stream(self, call: ModelCall) -> Any:
        self.calls.append(call)
        event: Event
        for event in (ToolCall("call_1", "weather", '{"city":"Rome"}'), Finished("stop")):
            yield event


async def test_a_call_of_a_tool_comes_out_and_its_result_goes_in(
    model: Scripted, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "stream", Caller.stream)
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    whole = await post(COMPLETIONS, asked(tools=[tool], tool_choice="required"), key)
    choice = whole.json["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "weather"
    streamed = await post(COMPLETIONS, asked(tools=[tool], stream=True), key)
    assert streamed.events[0]["choices"][0]["delta"]["role"] == "assistant"
    assert streamed.events[1]["choices"][0]["delta"]["tool_calls"][0]["id"] == "call_1"
    said = [choice["message"], {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]
    await post(COMPLETIONS, asked(messages=[*QUESTION["messages"], *said], tools=[tool]), key)
    assert model.calls[0].tool_choice == "required"
    assert model.calls[-1].messages[1].tool_calls == (ToolCall("call_1", "weather", '{"city":"Rome"}'),)
    assert model.calls[-1].messages[2].tool_call_id == "call_1"


async def test_answers_beside_django_are_named_and_counted_like_all_others(model: Scripted, key: str) -> None:
    metrics.take()
    heard = await post(COMPLETIONS, QUESTION, key)
    counted = metrics.take()
    assert len(heard.headers["x-request-id"]) == 16
    assert counted["nitro_http_responses_total\tchat:v1-completions\t200"] == 1
