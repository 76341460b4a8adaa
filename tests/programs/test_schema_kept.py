"""Whatever is sent to any address of the API, valid or not, the answer keeps to the description, and nothing breaks."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.programs.conftest import House

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.model]
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SECONDS = 60
# Of valid and of invalid requests to each address; 40 take hours: `NITRO_SCHEMA_EXAMPLES=40 pytest --timeout=0 …`
EXAMPLES, DEEP = int(os.environ.get("NITRO_SCHEMA_EXAMPLES", "2")), 20
AWAY = {502, 503, 504}  # where an engine is not there, as none is for pictures or on the web
PAINTED = frozenset({"/v1/images/generations"})  # whoever asks waits for the picture
STREAMED = {"/v1/chat/completions", "/api/chat/"}


def signed(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def operations(house: House) -> Iterator[Any]:
    schema: Any = schemathesis.openapi.from_url(f"{house.base}/api/schema/")
    for found in schema.get_all_operations():
        yield found.ok()


def check(case: Any, house: House, session: requests.Session, key: str) -> None:
    """Send it; the answer is as described, and no failure of ours."""
    response = case.call(base_url=house.base, session=session, headers=signed(key), timeout=SECONDS)
    if response.status_code in AWAY:
        assert response.json()["code"] if case.path.startswith("/api/") else response.json()["error"]["code"]
        return
    case.validate_response(response, checks=CHECKS)


def hammered(house: House, operation: Any, mode: GenerationMode, examples: int) -> None:
    session = requests.Session()

    @hypothesis.settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        case.headers.pop("Authorization", None)
        if isinstance(case.body, dict) and case.operation.path in STREAMED:
            case.body.pop("stream", None)  # an event stream has no schema
        for key in (house.alice, house.bob):
            check(case, house, session, key)

    with session:
        send()


def failures(house: House, examples: int, without: frozenset[str] = frozenset()) -> list[str]:
    found = []
    for operation in operations(house):
        if operation.path in without:
            continue
        for mode in GenerationMode:
            try:
                hammered(house, operation, mode, examples)
            except (AssertionError, BaseExceptionGroup) as error:
                told = error.exceptions if isinstance(error, BaseExceptionGroup) else [error]
                found += [f"{operation.label} ({mode.value}): {one}"[:1500] for one in told]
    return found


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_requests_to_every_address_keep_to_the_description(house: House) -> None:
    assert not failures(house, EXAMPLES, without=PAINTED if EXAMPLES < DEEP else frozenset())


def request(house: House, method: str, path: str, key: str, body: Any = None) -> tuple[int, str]:
    raw = None if body is None else json.dumps(body).encode()
    headers = signed(key) | {"Content-Type": "application/json"}
    asked = urllib.request.Request(house.base + path, raw, headers, method=method)  # noqa: S310 (our own address)
    try:
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


async def test_no_id_of_alice_opens_anything_for_bob(house: House) -> None:
    _, made = request(house, "POST", "/api/conversations/", house.alice, {"title": "canary"})
    mine = json.loads(made)["id"]
    opened = []
    for operation in operations(house):
        if "{" not in operation.path or operation.path.endswith("{choice}/"):
            continue
        path = operation.path.replace("{conversation_id}", mine)
        body: Any = {} if operation.method.upper() in {"POST", "PATCH", "PUT"} else None
        status, text = request(house, operation.method.upper(), path.format_map(Mine(mine)), house.bob, body)
        if status < 400 or "canary" in text:
            opened.append(f"{operation.label}: {status}")
    assert not opened
    assert request(house, "GET", f"/api/conversations/{mine}/", house.alice)[0] == 200


class Mine(dict[str, str]):
    """The same id under every name."""

    def __init__(self, one: str) -> None:
        super().__init__()
        self.one = one

    def __missing__(self, name: str) -> str:
        return self.one
