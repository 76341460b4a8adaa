"""JSON that Nitro can live with, and what it says about the rest."""

from __future__ import annotations

import io
import json
from contextlib import suppress

import pytest
from django.core.exceptions import RequestDataTooBig
from hypothesis import given
from hypothesis import strategies as st

from apps.core.bodies import SoundJSONParser, sound_json
from apps.core.errors import Invalid

SOUND = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**63, 2**63 - 1)
    | st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=12,
)


@given(SOUND)
def test_sound_json_comes_through_unchanged(value: object) -> None:
    assert sound_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        rb'"a\u0000b"',
        rb'{"a\u0000b": 1}',
        rb'"\ud800"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"[" * 100 + b"]" * 100,
        b"[" * 5000 + b"]" * 5000,
        b"1" * 5000,
        b"9223372036854775808",
        b"-9223372036854775809",
        b"1e400",
        b"NaN",
        b"[Infinity]",
        b"",
        b"{",
        b"\0",
        b"'a'",
    ],
)
def test_what_nitro_cannot_live_with_is_refused_in_words(body: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        sound_json(body)
    assert caught.value.message.endswith(".")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_refused(body: bytes) -> None:
    with suppress(Invalid):
        json.dumps(sound_json(body)).encode()


def test_the_allowed_depth_is_allowed() -> None:
    assert sound_json(b"[" * 60 + b"]" * 60)


def test_a_body_over_the_limit_is_not_parsed() -> None:
    with pytest.raises(RequestDataTooBig):
        SoundJSONParser().parse(io.BytesIO(b" " * (SoundJSONParser.limit + 1)))
