"""The API describes itself: completely, without doubts of its own, and in shapes that are valid."""

from __future__ import annotations

import json
import re
import uuid
from contextlib import suppress
from typing import Any

import pytest
from django.test import Client
from django.urls import Resolver404, resolve
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tests.access.world import routes

WITHOUT_DESCRIPTION = {"api-schema", "api-docs"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Client().get("/api/schema/").content)
    return found


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{verb} {path}", one) for path, verbs in schema["paths"].items() for verb, one in verbs.items()]


def test_the_description_is_valid_openapi(schema: dict[str, Any]) -> None:
    check: Any = validate_schema
    check(schema)


def test_nothing_had_to_be_guessed() -> None:
    GENERATOR_STATS.reset()
    untyped: Any = SchemaGenerator
    with GENERATOR_STATS.silence():
        untyped().get_schema(request=None, public=True)
    said = {**GENERATOR_STATS._error_cache, **GENERATOR_STATS._warn_cache}
    assert not [sentence for sentence in said if not re.search("/apps/(llm|images|voice|search|monitor)/", sentence)]


def test_every_operation_says_what_it_does(schema: dict[str, Any]) -> None:
    assert not [name for name, one in operations(schema) if not one.get("description")]


def test_every_operation_tells_of_its_failures(schema: dict[str, Any]) -> None:
    assert all({"4XX", "5XX"} <= one["responses"].keys() for _, one in operations(schema))


def test_what_is_safe_to_repeat_says_so(schema: dict[str, Any]) -> None:
    creating = [
        "chat/", "chat/batch/", "conversations/", "conversations/import/", "attachments/", "images/", "images/batch/",
        "models/pull/", "search/", "voice/transcribe/", "voice/recordings/", "webhooks/",
    ]  # fmt: skip
    for path in creating:
        operation = schema["paths"][f"/api/{path}"]["post"]
        assert "Idempotency-Key" in {one["name"] for one in operation["parameters"]}, path


def name_of(path: str) -> str:
    """The address's name; what stands in braces may be a UUID, a number or a word."""
    for value in (str(uuid.uuid4()), "1"):
        with suppress(Resolver404):
            return resolve(re.sub(r"\{\w+\}", value, path)).view_name
    return path


def test_every_address_of_the_api_is_described(schema: dict[str, Any]) -> None:
    described = {name_of(path) for path in schema["paths"]}
    programs = {name for name in routes() if name.rpartition(":")[2].startswith(("api-", "v1-", "openai-"))}
    assert not programs - WITHOUT_DESCRIPTION - described
