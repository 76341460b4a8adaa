"""The reply cache in Redis: found by everything an answer depends on, and by its owner alone."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from redis import ConnectionError as RedisConnectionError

from apps.chat import diagnosis, replies
from apps.chat.replies import Elsewhere, Question, Reply, Use, Words
from apps.core import memory, metrics
from apps.llm.events import Chosen, Finished, RouterEvent, ToolCall, Usage
from apps.llm.messages import Call, Message, Options, Role
from apps.llm.router import Target

TARGET = Target("builtin", "small", 4096)
CALL = Call("small", (Message(Role.USER, "What is a tree?"),), Options())
ALICE, BOB = 1, 2
NO_TEXT = orjson.dumps(asdict(Reply(ALICE, "", "", "builtin", "small", 1, 1, 1)) | {"text": 5})


@pytest.fixture(autouse=True)
def _kept_for_an_hour(settings: Settings) -> None:
    settings.CACHE_TTL = 3600


def question(user_id: int = ALICE, text: str = "What is a tree?", **fields: Any) -> Question:
    call = replace(CALL, messages=(Message(Role.USER, text),))
    given: dict[str, Any] = {"target": TARGET, "call": call, "places": ("http://a",)} | fields
    found = replies.question_of(user_id=user_id, **given)
    assert found is not None
    return found


def reply(user_id: int = ALICE, text: str = "A plant.") -> Reply:
    return Reply(user_id, text, "", "builtin", "small", 10, 5, 1200)


def kept(asked: Question, text: str = "A plant.") -> None:
    replies.land(asked, turn_id=uuid4(), reply=reply(asked.user_id, text))


def looked(asked: Question, turn_id: UUID | None = None, over: UUID | None = None) -> Reply | Elsewhere | None:
    return replies.look(asked, turn_id=turn_id or uuid4(), over=over)


def test_what_was_kept_is_found_again() -> None:
    kept(question())
    assert looked(question()) == reply()


def test_another_user_finds_nothing() -> None:
    kept(question(ALICE))
    assert looked(question(BOB)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"target": replace(TARGET, model="large")},
        {"target": replace(TARGET, provider="ollama")},
        {"call": replace(CALL, options=Options(temperature=0.1))},
        {"call": replace(CALL, messages=(Message(Role.SYSTEM, "Be brief."), *CALL.messages))},
        {"places": ("http://b",)},
    ],
    ids=["model", "provider", "options", "system prompt", "address"],
)
def test_whatever_an_answer_depends_on_counts(fields: dict[str, Any]) -> None:
    kept(question())
    assert looked(question(**fields)) is None


def test_what_was_asked_for_by_name_does_not_count_but_who_answers() -> None:
    kept(question())
    assert looked(question(target=replace(TARGET, choice="builtin:small", context_window=1))) == reply()


@given(st.text(), st.text())
def test_different_texts_are_different_questions(one: str, other: str) -> None:
    assert (question(text=one).digest == question(text=other).digest) == (one == other)


def test_nobody_without_the_installations_key_knows_where_an_answer_lies(settings: Settings) -> None:
    before = question().digest
    settings.SECRET_KEY = "another" * 10
    assert question().digest != before


def test_where_the_model_is_not_known_yet_nothing_is_cached() -> None:
    assert replies.question_of(user_id=ALICE, target=replace(TARGET, model=""), call=CALL, places=()) is None


def test_an_answer_ends_with_its_time(settings: Settings) -> None:
    settings.CACHE_TTL = 1
    kept(question())
    ending = time.monotonic() + 30
    while isinstance(looked(question()), Reply):
        assert time.monotonic() < ending
        time.sleep(0.05)


def test_an_entry_of_somebody_else_is_not_given_and_goes_away(caplog: pytest.LogCaptureFixture) -> None:
    """As if one user's answer had got under another's key, by a defect or by an intruder in Redis."""
    stolen = orjson.dumps({**orjson.loads(as_stored(reply(BOB, "Bob's secret")))})
    memory.ask(lambda redis: redis.set(question().keys[0], stolen))
    with caplog.at_level(logging.ERROR):
        assert looked(question()) is None
    assert "somebody else" in caplog.text
    assert "secret" not in caplog.text
    assert not memory.ask(lambda redis: redis.exists(question().keys[0]))


def as_stored(kept_reply: Reply) -> bytes:
    replies.land(question(text="elsewhere"), turn_id=uuid4(), reply=kept_reply)
    found: Any = memory.ask(lambda redis: redis.get(question(text="elsewhere").keys[0]))
    return bytes(found)


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"text":"x"}', b'{"user_id":1,"admin":true}', b"\xff", NO_TEXT])
def test_an_entry_that_is_broken_counts_as_none(value: bytes) -> None:
    memory.ask(lambda redis: redis.set(question().keys[0], value))
    assert looked(question()) is None


def test_everybody_shares_only_where_the_administrator_says_so(settings: Settings) -> None:
    settings.CACHE_SHARED = True
    kept(question(ALICE))
    assert looked(question(BOB)) == reply(ALICE)
    settings.CACHE_SHARED = False
    assert looked(question(BOB)) is None


def test_an_answer_of_immense_length_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "LONGEST", 5)
    kept(question())
    assert looked(question()) is None


# --- single flight ----------------------------------------------------------------------------------------------------


def test_of_equal_questions_one_is_sent_to_generate_and_the_others_to_it() -> None:
    first, second = uuid4(), uuid4()
    assert looked(question(), first) is None
    assert looked(question(), second) == Elsewhere(first)
    assert looked(question(BOB), second) is None


def test_who_generates_is_not_sent_to_itself() -> None:
    first = uuid4()
    assert looked(question(), first) is None
    assert looked(question(), first) is None


def test_after_the_landing_others_generate_anew() -> None:
    first = uuid4()
    looked(question(), first)
    replies.land(question(), turn_id=first, reply=None)
    assert looked(question()) is None


def test_only_who_is_known_as_generating_ends_that() -> None:
    first = uuid4()
    looked(question(), first)
    replies.land(question(), turn_id=uuid4(), reply=None)
    assert looked(question()) == Elsewhere(first)


def test_one_that_ended_without_an_answer_is_taken_over_by_one() -> None:
    gone, second, third = uuid4(), uuid4(), uuid4()
    looked(question(), gone)
    assert looked(question(), second, over=gone) is None
    assert looked(question(), third, over=gone) == Elsewhere(second)


def test_a_generation_is_handed_over() -> None:
    first, second = uuid4(), uuid4()
    looked(question(), first)
    replies.hand_over(question(), turn_id=first, to=second)
    assert looked(question()) == Elsewhere(second)
    replies.hand_over(question(), turn_id=first, to=uuid4())
    assert looked(question()) == Elsewhere(second)


def test_a_generation_whose_end_nobody_told_is_forgotten() -> None:
    looked(question())
    assert 0 < memory.ask(lambda redis: redis.ttl(question().keys[1])) <= replies.FLIGHT_SECONDS


# --- what is worth keeping --------------------------------------------------------------------------------------------


def heard(*events: RouterEvent, text: str = "A plant.") -> Words:
    usual = (Chosen("builtin", "small"), Usage(10, 5), Finished("stop"))
    return Words([text], [], [*(usual if not events else ()), *events])


def test_a_whole_answer_is_worth_keeping() -> None:
    assert replies.reply_from(question(), heard(), total_ms=1200) == reply()


@pytest.mark.parametrize(
    "words",
    [
        heard(text=" \n"),
        heard(Chosen("builtin", "small"), Finished("length")),
        heard(Chosen("builtin", "small")),
        heard(Chosen("builtin", "small"), ToolCall("1", "f", "{}"), Finished("stop")),
        heard(Chosen("gemini", "small", "builtin"), Finished("stop")),
        heard(Chosen("builtin", "other"), Finished("stop")),
        heard(Finished("stop")),
    ],
    ids=["only thoughts", "cut", "no end", "a tool", "a stand-in", "another model", "nobody knows whose"],
)
def test_anything_else_is_not(words: Words) -> None:
    assert replies.reply_from(question(), words, total_ms=1) is None


@pytest.mark.parametrize(
    ("kind", "wanted", "use"),
    [
        ("ask", True, Use.FULL),
        ("ask", False, Use.NONE),
        ("retry", True, Use.RENEW),
        ("edit", True, Use.RENEW),
        ("continue", True, Use.NONE),
    ],
)
def test_what_each_kind_of_turn_does_with_the_cache(kind: str, wanted: bool, use: Use) -> None:
    assert replies.use_of(kind=kind, wanted=wanted) is use


def test_a_time_to_live_of_nothing_turns_it_off(settings: Settings) -> None:
    settings.CACHE_TTL = 0
    assert replies.use_of(kind="ask") is Use.NONE


# --- figures ----------------------------------------------------------------------------------------------------------


def test_the_cache_counts_what_it_saved() -> None:
    metrics.take()
    first = uuid4()
    looked(question(), first)
    looked(question())
    replies.land(question(), turn_id=first, reply=reply(), joined=2)
    looked(question())
    looked(question())
    counted = metrics.take()
    results = {result: counted[f"nitro_reply_cache_total\t{result}"] for result in ("hit", "miss", "joined")}
    assert results == {"hit": 2, "miss": 1, "joined": 3}
    assert counted["nitro_reply_cache_saved_seconds_total"] == 2.4
    assert counted["nitro_reply_cache_saved_tokens_total"] == 10


# --- nitro doctor -----------------------------------------------------------------------------------------------------


def test_the_doctor_says_how_long_answers_are_kept_and_for_whom(settings: Settings) -> None:
    (finding,) = diagnosis.examine()
    assert (finding.check, finding.ok, finding.needed) == ("cache", True, False)
    assert "3600 s for who asked" in finding.message
    settings.CACHE_SHARED = True
    assert "for everybody" in diagnosis.examine()[0].message


def test_the_doctor_says_that_nothing_is_kept(settings: Settings) -> None:
    settings.CACHE_TTL = 0
    assert diagnosis.examine()[0].message == "No answers are kept: CACHE_TTL is 0."


def test_a_redis_that_never_makes_room_is_told() -> None:
    assert not diagnosis._room(10, 100, "noeviction").ok
    assert diagnosis._room(10, 0, "noeviction").ok
    assert diagnosis._room(10, 100, "volatile-lru").ok


def test_without_redis_the_doctor_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise RedisConnectionError("refused")

    monkeypatch.setattr(memory, "connection", away)
    monkeypatch.setattr(memory, "outage", memory.Outage(lambda: None))
    (finding,) = diagnosis.examine()
    assert (finding.ok, finding.needed) == (False, False)
    assert memory.outage.wait(30)
