"""JSON of the API: quick, and what the framework's own renderer writes."""

from __future__ import annotations

import datetime
import decimal
import json
import uuid
from collections import OrderedDict
from typing import Any

import pytest
from django.db import models
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import Serializer
from rest_framework.utils.serializer_helpers import ReturnDict, ReturnList

from apps.core.rendering import FastJSONRenderer

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=15)


class Kind(models.TextChoices):
    ONE = "one", "One"


@given(values)
def test_what_is_written_is_what_was_meant(value: Any) -> None:
    if _writable(value):
        assert json.loads(FastJSONRenderer().render({"value": value})) == {"value": value}


def _writable(value: Any) -> bool:
    """Whether its texts are Unicode at all: unpaired surrogates nobody can send."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(2026, 11, 23, 15, 4, 5, 123456, tzinfo=datetime.UTC),
        datetime.datetime(2026, 11, 23, 15, 4, 5),
        datetime.date(2026, 11, 23),
        datetime.time(15, 4, 5, 600),
        datetime.timedelta(hours=1.5),
        decimal.Decimal("1.10"),
        uuid.UUID(int=7),
        gettext_lazy("Yes"),
        Kind.ONE,
        b"bytes",
        (1, 2),
        {1: "one", None: "none"},
        OrderedDict(b=1, a=2),
        ReturnList([ReturnDict({"a": 1}, serializer=Serializer())], serializer=Serializer()),
        2**70,
        "ü and \U0001f333",
        None,
    ],
    ids=str,
)
def test_every_kind_of_value_looks_as_it_always_did(value: Any) -> None:
    assert FastJSONRenderer().render({"value": value}) == JSONRenderer().render({"value": value})


def test_line_separators_need_no_escape_any_more() -> None:
    """Since 2019 JSON's texts are JavaScript's too; the framework still escapes them."""
    assert FastJSONRenderer().render(["\u2028"]) == '["\u2028"]'.encode()


def test_nothing_is_nothing() -> None:
    assert FastJSONRenderer().render(None) == b""


def test_who_wants_it_indented_gets_it_indented() -> None:
    rendered = FastJSONRenderer().render({"a": [1]}, "application/json; indent=2")
    assert rendered == JSONRenderer().render({"a": [1]}, "application/json; indent=2")


def test_what_nobody_can_write_is_an_error() -> None:
    with pytest.raises(TypeError):
        FastJSONRenderer().render({"value": object()})
