"""The websocket's vocabulary: what is taken, what is refused, and that nothing else can happen."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.chat import frames
from apps.chat.frames import (
    Ask,
    Attach,
    BadFrame,
    ClientFrame,
    Continue,
    Edit,
    NotJson,
    Retry,
    Stop,
    parse,
    render,
)
from apps.core.errors import NitroError

ID = uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")


def ask(**fields: Any) -> str:
    return json.dumps({"type": "ask", "id": str(ID), "text": "Hi"} | fields)


@pytest.mark.parametrize(
    ("raw", "frame"),
    [
        ({"type": "ask", "id": str(ID), "text": "Hi"}, Ask(ID, "Hi")),
        (
            {"type": "ask", "id": ID.hex, "text": " Hi\n", "model": "m", "cache": False},
            Ask(ID, " Hi\n", "m", {}, False),
        ),
        ({"type": "ask", "id": str(ID), "text": "Hi", "options": None, "model": None}, Ask(ID, "Hi")),
        ({"type": "ask", "id": str(ID), "text": "Hi", "attachments": [], "search": False}, Ask(ID, "Hi")),
        ({"type": "ask", "id": str(ID), "text": "Hi", "surprise": {"a": 1}}, Ask(ID, "Hi")),
        ({"type": "stop", "turn": str(ID)}, Stop(ID)),
        ({"type": "retry", "message": str(ID), "model": "m"}, Retry(ID, "m")),
        ({"type": "retry", "message": str(ID), "id": str(ID)}, Retry(ID, "", ID)),
        ({"type": "edit", "message": str(ID), "text": "Ho"}, Edit(ID, "Ho")),
        ({"type": "continue", "turn": str(ID)}, Continue(ID)),
        ({"type": "attach", "turn": str(ID), "after": 7}, Attach(ID, 7)),
        ({"type": "attach", "turn": str(ID)}, Attach(ID, 0)),
    ],
)
def test_every_frame_of_the_contract_is_understood(raw: dict[str, Any], frame: ClientFrame) -> None:
    assert parse(json.dumps(raw)) == frame


NO_JSON = [
    "",
    " ",
    "hello",
    "{",
    '{"a":}',
    "NaN",
    '{"after":NaN}',
    "\x00",
]


@pytest.mark.parametrize("raw", NO_JSON)
def test_what_is_not_json_is_told_apart(raw: str) -> None:
    with pytest.raises(NotJson) as caught:
        parse(raw)
    assert caught.value.code == "not_json"


@pytest.mark.parametrize("raw", ["[]", '["ask"]', "1", "null", '"ask"'])
def test_json_that_is_no_object_is_a_bad_frame(raw: str) -> None:
    with pytest.raises(BadFrame) as caught:
        parse(raw)
    assert caught.value.hint


BAD_TEXTS: list[object] = ["", " ", "\n\t\u2003", None, 5, True, ["Hi"], {"text": "Hi"}, "a\x00b", "a\ud800b", "\udc00"]


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_a_text_that_cannot_be_answered_is_refused(text: object) -> None:
    with pytest.raises(BadFrame):
        parse(ask(text=text))


def test_a_text_may_be_as_long_as_the_limit_and_no_longer() -> None:
    longest = "x" * frames.TEXT_LIMIT
    assert parse(ask(text=longest)) == Ask(ID, longest)
    with pytest.raises(BadFrame, match="100,001") as caught:
        parse(ask(text=longest + "x"))
    assert caught.value.code == "text_too_long"


def test_a_raw_lone_surrogate_is_refused() -> None:
    with pytest.raises(BadFrame, match="cannot be stored"):
        parse(ask(text="RAW").replace("RAW", "a\ud800"))


def test_a_pair_of_escaped_surrogates_is_one_letter() -> None:
    assert parse(ask(text="\U0001f600")) == Ask(ID, "\U0001f600")


@pytest.mark.parametrize("identity", [None, "", "x", 5, True, [], {}, "0" * 31, "z" * 32, "\x00" * 36, "0" * 5000])
@pytest.mark.parametrize("kind", ["ask", "stop", "retry", "edit", "continue", "attach"])
def test_what_is_no_uuid_is_refused(kind: str, identity: object) -> None:
    with pytest.raises(BadFrame, match="must be a UUID"):
        parse(json.dumps({"type": kind, "text": "Hi", "id": identity, "turn": identity, "message": identity}))


@pytest.mark.parametrize("kind", [None, "", "ASK", "delete", 1, ["ask"], {"ask": 1}, "\ud800", "a" * 10_000])
def test_unknown_types_are_named_as_such(kind: object) -> None:
    with pytest.raises(BadFrame, match="no frame of that type"):
        parse(json.dumps({"type": kind}))


@pytest.mark.parametrize("after", [-1, 1.5, "1", True, None, [], 2**31, 10**400])
def test_a_seq_is_a_small_whole_number(after: object) -> None:
    with pytest.raises(BadFrame, match="'after'"):
        parse(json.dumps({"type": "attach", "turn": str(ID), "after": after}))


def test_a_number_too_long_for_a_machine_is_still_json() -> None:
    with pytest.raises(BadFrame, match="'after'"):
        parse(f'{{"type":"attach","turn":"{ID}","after":{"9" * 5000}}}')


@pytest.mark.parametrize("depth", [1000, 2000, 100_000])
def test_a_deep_frame_is_refused_without_a_crash(depth: int) -> None:
    with pytest.raises(BadFrame):
        parse('{"type":"nonsense","deep":' + "[" * depth + "]" * depth + "}")


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 2.1},
        {"temperature": -0.1},
        {"temperature": True},
        {"temperature": "0.7"},
        {"temperature": 10**400},
        {"top_k": 1.5},
        {"top_k": False},
        {"max_tokens": 0},
        {"max_tokens": 10**400},
        {"seed": -1},
        {"seed": 2**31},
        {"grammar": "root ::= x"},
        {"n_discard": 1},
        {"\ud800": 1},
        {"": 1},
        [],
        "hot",
        5,
    ],
)
def test_options_out_of_range_and_unknown_ones_are_refused(options: object) -> None:
    with pytest.raises(BadFrame) as caught:
        parse(ask(options=options))
    assert caught.value.code == "bad_option"
    assert render(frames.error(caught.value))


def test_a_large_limit_is_told_in_full() -> None:
    with pytest.raises(BadFrame, match="from 1 to 1,000,000"):
        frames.options({"max_tokens": 0})


def test_options_in_range_are_taken_and_null_means_the_default() -> None:
    frame = parse(ask(options={"temperature": 0, "top_p": 1.0, "max_tokens": 5, "seed": None}))
    assert isinstance(frame, Ask)
    assert frame.options == {"temperature": 0, "top_p": 1.0, "max_tokens": 5}


@pytest.mark.parametrize("fields", [{"cache": 1}, {"cache": "no"}, {"cache": None}, {"model": 5}, {"model": "x" * 201}])
def test_fields_of_a_wrong_kind_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BadFrame):
        parse(ask(**fields))


PICTURES = [str(uuid.UUID(int=number)) for number in range(9)]


@pytest.mark.parametrize("pictures", ["a", {"a": 1}, ["a"], [7], [None], PICTURES, [PICTURES]])
def test_what_names_no_pictures_is_refused(pictures: object) -> None:
    with pytest.raises(BadFrame):
        parse(ask(attachments=pictures))


def test_pictures_are_named_by_their_ids_each_once() -> None:
    frame = parse(ask(attachments=[PICTURES[1], PICTURES[2], PICTURES[1]]))
    assert isinstance(frame, Ask)
    assert frame.attachments == (uuid.UUID(int=1), uuid.UUID(int=2))


def understood(raw: str) -> ClientFrame | str:
    """The frame, or the frame that refuses it."""
    try:
        return parse(raw)
    except (BadFrame, NotJson) as error:
        return render(frames.error(error))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
FIELDS = st.sampled_from(["type", "id", "text", "turn", "message", "after", "options", "model", "cache", "search"])
KINDS = st.sampled_from([*frames.READERS, "other"])


@settings(max_examples=300, deadline=None)
@given(fields=st.dictionaries(FIELDS, VALUES | st.just(str(ID)), max_size=8), kind=KINDS)
def test_any_object_is_a_frame_or_a_clear_refusal(fields: dict[str, Any], kind: str) -> None:
    assert isinstance(understood(json.dumps(fields | {"type": kind})), ClientFrame | str)


@settings(max_examples=300, deadline=None)
@given(raw=st.text(st.characters(exclude_categories=())))
def test_any_text_is_a_frame_or_a_clear_refusal(raw: str) -> None:
    with pytest.raises((BadFrame, NotJson)):
        parse(raw)


def test_an_error_frame_carries_what_is_known() -> None:
    problem = NitroError("Too much.", code="flood", hint="Slower.", retry_after=1.5)
    assert frames.error(problem, turn=ID, request=ID) == {
        "type": "error",
        "code": "flood",
        "message": "Too much.",
        "hint": "Slower.",
        "turn": str(ID),
        "id": str(ID),
        "retry_after": 1.5,
    }
    assert set(frames.error(NitroError("No."))) == {"type", "code", "message", "hint"}


def test_an_accepted_frame_names_all_four() -> None:
    turn, question, answer = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    said = frames.accepted(request=ID, turn=turn, question=question, answer=answer)
    assert said == {
        "type": "accepted", "id": str(ID), "turn": str(turn), "question": str(question), "answer": str(answer)
    }  # fmt: skip
