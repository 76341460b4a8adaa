"""Questions over `/api/chat/`, whole, streamed and many at once, through the whole application."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import api_key_create, api_key_revoke, sessions_end
from apps.chat import conversation_services, turns
from apps.chat.attachments import attachment_create
from apps.chat.models import Conversation, Message, Turn
from apps.chat.underway import underway_count
from apps.core.database import in_database
from apps.llm.errors import TimedOut
from apps.llm.providers.scripted import Script, Scripted
from tests import cast
from tests.chat.programs import COMPLETIONS, begin, post, until
from tests.chat.test_attachments import png

pytestmark = pytest.mark.django_db(transaction=True)
CHAT, BATCH = "/api/chat/", "/api/chat/batch/"
WORDS = "".join(f"t{n:05d} " for n in range(1, 11))
FIELDS = {"conversation", "message", "text", "finish_reason", "usage", "timing", "cached", "provider", "model"}


@pytest.fixture
async def key(transactional_db: None) -> str:
    return await in_database(lambda: cast.key_of(cast.alice(), "chat"))


def browser_of(user: User) -> dict[str, str]:
    """The headers of a signed-in browser's page."""
    client = Client()
    client.force_login(user)
    token = get_token(HttpRequest())
    return {"cookie": f"sessionid={client.cookies['sessionid'].value}; csrftoken={token}", "x-csrftoken": token}


def state_of(message_id: str) -> str:
    return Turn.objects.get(answer=UUID(message_id)).state


async def test_a_question_begins_a_chat_and_is_answered(model: Scripted, key: str) -> None:
    heard = await post(CHAT, {"message": "Numbers, please."}, key)
    assert heard.status == 200
    assert heard.json.keys() >= FIELDS
    assert heard.json["text"] == WORDS
    answer = await in_database(lambda: Message.objects.get(pk=heard.json["message"]))
    assert str(answer.conversation_id) == heard.json["conversation"]
    assert answer.text == WORDS


async def test_a_chat_that_begins_takes_one_commit_and_tells_nobody(
    model: Scripted, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[UUID] = []

    def begin_chat(**_: object) -> None:
        pytest.fail("The chat was made in a commit of its own.")

    async def announce(conversation_id: UUID, turn_id: UUID) -> None:
        told.append(turn_id)

    monkeypatch.setattr(conversation_services, "conversation_create", begin_chat)
    monkeypatch.setattr(turns, "_announce", announce)
    first = await post(CHAT, {"message": "One."}, key)
    assert (first.json["text"], told) == (WORDS, [])
    await post(CHAT, {"message": "Two.", "conversation": first.json["conversation"]}, key)
    assert len(told) == 1


async def test_the_next_question_goes_into_the_same_chat(model: Scripted, key: str) -> None:
    first = await post(CHAT, {"message": "One."}, key)
    await post(CHAT, {"message": "Two.", "conversation": first.json["conversation"]}, key)
    assert [message.text for message in model.calls[-1].messages] == ["One.", WORDS, "Two."]


async def test_a_stream_is_the_frames_of_the_websocket(model: Scripted, key: str) -> None:
    heard = await post(CHAT, {"message": "Numbers, please.", "stream": True}, key)
    kinds = [event["type"] for event in heard.events]
    assert kinds[0] == "accepted"
    assert kinds[-1] == "done"
    deltas = [event for event in heard.events if event["type"] == "delta"]
    assert [delta["seq"] for delta in deltas] == list(range(1, len(deltas) + 1))
    assert "".join(delta["text"] for delta in deltas) == WORDS


async def test_a_program_that_leaves_stops_its_answer_and_the_words_stay(model: Scripted, key: str) -> None:
    model.scripts = [Script(tokens=("a ",) * 1000, delay=0.02)]
    call = await begin(CHAT, {"message": "Long, please.", "stream": True}, key)
    async for piece in call.pieces():
        if b'"delta"' in piece:
            break
    await call.leave()
    await until(lambda: model.running == 0)
    answer = call.heard.events[0]["answer"]
    async with asyncio.timeout(30):
        while await in_database(state_of, answer) == Turn.State.RUNNING:
            await asyncio.sleep(0.05)
    assert await in_database(state_of, answer) == Turn.State.STOPPED


async def test_a_stream_whose_key_is_revoked_ends_with_a_frame_like_the_others(
    model: Scripted, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.accounts.watch.SECONDS", 0.05)
    made = await in_database(lambda: api_key_create(user=alice, name="x"))
    model.scripts = [Script(tokens=("a ",) * 10_000, delay=0.02)]
    call = await begin(CHAT, {"message": "Long, please.", "stream": True}, made.secret)
    async for piece in call.pieces():
        if b'"delta"' in piece:
            await in_database(lambda: api_key_revoke(key=made.key))
    assert (call.heard.events[-1]["type"], call.heard.events[-1]["code"]) == ("error", "not_authenticated")


@pytest.mark.parametrize(
    ("path", "body"),
    [(CHAT, {"message": "Long, please."}), (COMPLETIONS, {"messages": [{"role": "user", "content": "Long, please."}]})],
)
async def test_a_stream_of_somebody_who_signs_out_ends(
    model: Scripted, alice: User, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any]
) -> None:
    monkeypatch.setattr("apps.accounts.watch.SECONDS", 0.05)
    model.scripts = [Script(tokens=("a ",) * 10_000, delay=0.02)]
    raw = json.dumps(body | {"stream": True}).encode()
    headers = {**await in_database(browser_of, alice), "content-length": str(len(raw))}
    call = await begin(path, raw, "", headers=headers)
    async for piece in call.pieces():
        if b'"a ' in piece:
            await in_database(lambda: sessions_end(user=alice))
    await call.line.wait(timeout=30)
    assert b"You were signed out." in call.heard.body
    assert len(call.heard.events) < 2_000
    await until(lambda: model.running == 0)


async def test_a_failed_answer_has_the_status_of_its_reason(model: Scripted, key: str) -> None:
    model.scripts = [Script(failure=TimedOut("Too slow."))]
    heard = await post(CHAT, {"message": "Hello?"}, key)
    assert (heard.status, heard.json["code"]) == (504, "provider_timeout")
    assert heard.json["details"].keys() == {"conversation", "message"}


async def test_somebody_elses_chat_is_404(model: Scripted, key: str) -> None:
    theirs = await in_database(lambda: conversation_services.conversation_create(user=cast.bob()))
    heard = await post(CHAT, {"message": "Hello?", "conversation": str(theirs.pk)}, key)
    assert heard.status == 404
    assert not model.calls


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": "  "},
        {"message": "x" * 100_001},
        {"message": "a", "conversation": "b"},
        {"message": "a", "stream": 1},
        {"message": "a", "options": {"n_discard": 3}},
        {"message": "a", "model": 7},
        [],
    ],
)
async def test_what_is_no_question_is_400_and_leaves_nothing(model: Scripted, key: str, body: Any) -> None:
    assert (await post(CHAT, body, key)).status == 400
    assert not await in_database(Conversation.objects.exists)


async def test_an_unknown_model_is_told_with_its_status(model: Scripted, key: str) -> None:
    heard = await post(CHAT, {"message": "a", "model": "gpt-9"}, key)
    assert (heard.status, heard.json["code"]) == (404, "model_missing")


async def test_the_same_key_twice_makes_one_chat_and_one_generation(model: Scripted, key: str) -> None:
    headers = {"idempotency-key": "one"}
    first = await post(CHAT, {"message": "Once."}, key, headers=headers)
    second = await post(CHAT, {"message": "Once."}, key, headers=headers)
    assert first.json["message"] == second.json["message"]
    assert second.json["text"] == WORDS
    assert len(model.calls) == 1
    assert (await post(CHAT, {"message": "Twice."}, key, headers=headers)).status == 422


@pytest.mark.parametrize(
    "other",
    [{"message": "Twice."}, {"model": "scripted"}, {"options": {"seed": 7}}, {"cache": False}, {"conversation": True}],
)
async def test_another_question_with_the_same_key_is_refused(model: Scripted, key: str, other: dict[str, Any]) -> None:
    headers = {"idempotency-key": "one"}
    await post(CHAT, {"message": "Once."}, key, headers=headers)
    if "conversation" in other:
        chat = await in_database(lambda: conversation_services.conversation_create(user=cast.alice()))
        other = {"conversation": str(chat.pk)}
    refused = await post(CHAT, {"message": "Once."} | other, key, headers=headers)
    assert (refused.status, refused.json["code"]) == (422, "idempotency_key_reused")
    assert len(model.calls) == 1


async def test_a_question_that_could_not_be_asked_frees_its_key(model: Scripted, key: str) -> None:
    headers = {"idempotency-key": "one"}
    body = {"message": "Once.", "conversation": str(uuid4())}
    assert (await post(CHAT, body, key, headers=headers)).status == 404
    assert (await post(CHAT, {"message": "Once."}, key, headers=headers)).json["text"] == WORDS


async def test_a_batch_that_is_sent_again_is_answered_again_and_another_is_refused(model: Scripted, key: str) -> None:
    headers = {"idempotency-key": "x" * 200}
    requests = [{"message": "One."}, {"message": "Two."}]
    first = await post(BATCH, {"requests": requests}, key, headers=headers)
    assert (await post(BATCH, {"requests": requests}, key, headers=headers)).json == first.json
    assert len(model.calls) == 2
    mixed = await post(BATCH, {"requests": [requests[0], {"message": "Three."}]}, key, headers=headers)
    assert [result["status"] for result in mixed.json["results"]] == [200, 422]


async def test_who_has_a_key_to_come_back_with_may_leave(model: Scripted, key: str) -> None:
    model.scripts = [Script(tokens=("a ",) * 30, delay=0.02)]
    call = await begin(CHAT, {"message": "Once.", "stream": True}, key, headers={"idempotency-key": "one"})
    async for piece in call.pieces():
        if b'"delta"' in piece:
            break
    await call.leave()
    heard = await post(CHAT, {"message": "Once."}, key, headers={"idempotency-key": "one"})
    assert heard.json["text"] == "a " * 30


async def test_a_batch_is_answered_in_order_each_with_its_own_status(model: Scripted, key: str) -> None:
    requests = [{"message": "One."}, {"message": ""}, {"message": "Three.", "model": "gpt-9"}, {"message": "Four."}]
    heard = await post(BATCH, {"requests": requests}, key)
    assert [result["status"] for result in heard.json["results"]] == [200, 400, 404, 200]
    assert heard.json["results"][3]["answer"]["text"] == WORDS


async def test_a_batch_runs_side_by_side_and_stops_together(model: Scripted, key: str) -> None:
    model.scripts = [Script(tokens=("a ",) * 1000, delay=0.02)]
    call = await begin(BATCH, {"requests": [{"message": f"{n}."} for n in range(4)]}, key)
    await until(lambda: model.running == 4)
    await call.leave()
    await until(lambda: model.running == 0)


@pytest.mark.parametrize("path", [CHAT, BATCH, "/v1/chat/completions"])
async def test_answers_that_are_being_written_count_for_the_day(model: Scripted, key: str, path: str) -> None:
    await in_database(lambda: cast.give_quota(cast.alice(), 1))
    model.scripts = [Script(tokens=("a ",) * 1000, delay=0.02)]
    first = await begin(CHAT, {"message": "Long, please."}, key)
    await until(lambda: model.running == 1)
    refused = await post(path, {"message": "And I?"}, key)
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0
    await first.leave()
    await until(lambda: model.running == 0)


@pytest.mark.parametrize("path", [CHAT, "/v1/chat/completions"])
async def test_answers_of_openais_form_count_for_the_day_while_they_are_written(
    model: Scripted, key: str, path: str
) -> None:
    alice = await in_database(cast.alice)
    await in_database(cast.give_quota, alice, 1)
    model.scripts = [Script(tokens=("a ",) * 1000, delay=0.02)]
    body = {"messages": [{"role": "user", "content": "Long, please."}]}
    first = await begin("/v1/chat/completions", body, key)
    await until(lambda: model.running == 1)
    assert underway_count(user_id=alice.pk) == 1
    refused = await post(path, body if path != CHAT else {"message": "And I?"}, key)
    assert refused.status == 429
    await first.leave()
    await until(lambda: underway_count(user_id=alice.pk) == 0)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {"message": "Numbers, please."}),
        (COMPLETIONS, {"cache": False, "messages": [{"role": "user", "content": "Numbers, please."}]}),
    ],
)
async def test_an_answer_that_has_just_ended_counts_for_the_day(
    model: Scripted, key: str, path: str, body: dict[str, Any]
) -> None:
    await in_database(lambda: cast.give_quota(cast.alice(), 2))
    heard = [await post(path, body, key) for _ in range(4)]
    assert [one.status for one in heard] == [200, 200, 429, 429]


async def test_every_question_of_a_batch_counts(model: Scripted, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.RATE_LIMIT_CHAT", "2/minute")
    heard = await post(BATCH, {"requests": [{"message": f"{n}."} for n in range(3)]}, key)
    assert sorted(result["status"] for result in heard.json["results"]) == [200, 200, 429]


@pytest.mark.parametrize("requests", [[], None, "x", [{"message": "a"}] * 101])
async def test_a_batch_of_nothing_or_too_much_is_400(model: Scripted, key: str, requests: Any) -> None:
    assert (await post(BATCH, {"requests": requests}, key)).status == 400


async def test_a_chat_of_an_unknown_id_is_404(model: Scripted, alice: User, key: str) -> None:
    assert (await post(CHAT, {"message": "a", "conversation": str(uuid4())}, key)).status == 404


async def test_a_question_with_a_picture_is_asked_with_it(model: Scripted, key: str) -> None:
    made = await in_database(lambda: attachment_create(user=cast.alice(), name="a.png", data=png()))
    heard = await post(CHAT, {"message": "What is this?", "attachments": [str(made.pk)]}, key)
    assert heard.status == 200
    assert len(model.calls[-1].messages[-1].images) == 1


async def test_nobody_asks_with_the_picture_of_another(model: Scripted, key: str) -> None:
    made = await in_database(lambda: attachment_create(user=cast.bob(), name="a.png", data=png()))
    heard = await post(CHAT, {"message": "What is this?", "attachments": [str(made.pk)]}, key)
    assert heard.status == 404
    assert not model.calls


async def test_a_question_may_want_the_web_read_first(
    model: Scripted, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    start = turns.start

    async def note(*, frame: Any, **more: Any) -> Any:
        asked.append(frame.search)
        return await start(frame=replace(frame, search=False), **more)

    monkeypatch.setattr(turns, "start", note)
    await post(CHAT, {"message": "When was the bridge built?", "search": True}, key)
    assert asked == [True]


@pytest.mark.parametrize("wrong", [{"search": "yes"}, {"attachments": "x"}, {"attachments": ["x"]}])
async def test_a_wrong_wish_is_400(model: Scripted, key: str, wrong: dict[str, Any]) -> None:
    assert (await post(CHAT, {"message": "Hello"} | wrong, key)).status == 400
