"""Values as bytes: equal ones agree, and no two different ones do, whatever stands in their texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.chat.canonical import canonical
from apps.llm.messages import Call, Image, Message, Options, Role

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


def told_apart(value: Any) -> Any:
    """The value in a form in which Python's == means the same as canonical equality."""
    match value:
        case bool() | None:
            return repr(value)
        case int() | float():
            return ("number", float(value) if abs(value) < 2**53 else value)
        case str() | bytes():
            return (type(value).__name__, value)
        case list() | tuple():
            return [told_apart(item) for item in value]
    return {key: told_apart(item) for key, item in value.items()}


@given(values, values)
def test_only_equal_values_have_equal_bytes(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) == (told_apart(one) == told_apart(other))


@given(st.lists(st.text(), max_size=5), st.lists(st.text(), max_size=5))
def test_texts_cannot_pretend_to_end(one: list[str], other: list[str]) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_fields_does_not_count(fields: dict[str, int]) -> None:
    assert canonical(fields) == canonical(dict(reversed(fields.items())))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "\u0430"),  # Latin and Cyrillic
        ("\u00e9", "e\u0301"),  # composed and decomposed
        ("admin", "\uff41dmin"),  # full width
        ("a", "a\u200b"),  # with an invisible blank
        ("K", "\u212a"),  # Kelvin
        ("a", "A"),
        ("a", "a "),
        (["ab", "c"], ["a", "bc"]),
        (["s1:a"], ["a"]),
        ("1", 1),
        (True, 1),
        (None, ""),
        (b"a", "a"),
        ([], {}),
        ([[1], 2], [1, [2]]),
    ],
)
def test_what_only_looks_alike_is_something_else(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)


def test_a_number_is_the_same_number_however_it_is_written() -> None:
    assert canonical(1) == canonical(1.0)
    assert canonical(0.7) != canonical(0.70001)


CALL = Call("m", (Message(Role.USER, "Hello"),), Options())


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, model="n"),
        replace(CALL, prefill="Well"),
        replace(CALL, options=replace(CALL.options, temperature=0.8)),
        replace(CALL, options=replace(CALL.options, seed=1)),
        replace(CALL, options=replace(CALL.options, stop=("x",))),
        replace(CALL, messages=(Message(Role.SYSTEM, "Hello"),)),
        replace(CALL, messages=(Message(Role.USER, "Hello", (Image(b"x", "image/png"),)),)),
        replace(CALL, messages=(Message(Role.USER, "Hello"), Message(Role.ASSISTANT, ""))),
        replace(CALL, response_format={"type": "json_object"}),
        replace(CALL, tools=({"type": "function"},)),
    ],
)
def test_everything_in_a_call_counts(other: Call) -> None:
    assert canonical(CALL) != canonical(other)
    assert canonical(CALL) == canonical(replace(CALL))


def test_dataclasses_of_another_name_are_something_else() -> None:
    @dataclass
    class One:
        value: int

    @dataclass
    class Other:
        value: int

    assert canonical(One(1)) != canonical(Other(1))


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        canonical([object()])


def test_unpaired_surrogates_are_bytes_too() -> None:
    assert canonical("\ud800") != canonical("\ud801")
