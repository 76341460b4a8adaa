"""Whatever is sent to any address of the API, valid or not, the answer keeps to the description, and nothing breaks."""

from __future__ import annotations

import asyncio
import io
import os
import wave
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given
from PIL import Image
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
# Of valid and of invalid requests to each address; 40 take an hour: `NITRO_SCHEMA_EXAMPLES=40 pytest --timeout=0 …`
EXAMPLES, DEEP = int(os.environ.get("NITRO_SCHEMA_EXAMPLES", "2")), 20
AWAY = {502, 503, 504}  # where an engine is not there, as none is for pictures or on the web
PAINTED = frozenset({"/v1/images/generations"})  # whoever asks waits for the picture
SHARED = ("{choice}/", "{model}", "{pull_id}/")  # what belongs to everybody
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
    without = PAINTED if EXAMPLES < DEEP else frozenset()
    # In a thread: the stand-ins for model servers live in this loop, and would be silent while it waits.
    assert not await asyncio.to_thread(failures, house, EXAMPLES, without)


def request(house: House, method: str, path: str, key: str, body: Any = None, **more: Any) -> requests.Response:
    return requests.request(method, house.base + path, headers=signed(key), json=body, timeout=SECONDS, **more)


def made(house: House, path: str, body: Any = None, **more: Any) -> str:
    """The id of something new of Alice's, in which the word canary stands."""
    answer = request(house, "POST", path, house.alice, body, **more)
    assert answer.status_code in {200, 201, 202}, answer.text
    return str(answer.json()["id"])


def belongings(house: House) -> dict[str, str]:
    """One of everything that Alice can have, by the name that it has in addresses."""
    picture, sound = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (2, 2), "teal").save(picture, "PNG")
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(32_000))
    return {
        "conversation_id": made(house, "/api/conversations/", {"title": "canary"}),
        "attachment_id": made(house, "/api/attachments/", files={"file": ("canary.png", picture.getvalue())}),
        "job_id": made(house, "/api/images/", {"prompt": "canary", "width": 256, "height": 256}),
        "search_id": made(house, "/api/search/", {"query": "canary"}),
        "webhook_id": made(house, "/api/webhooks/", {"url": "https://canary.example/", "events": ["answer.done"]}),
        "recording_id": made(house, "/api/voice/recordings/", files={"file": ("canary.wav", sound.getvalue())}),
    }


def opened(answer: requests.Response) -> bool:
    return answer.status_code < 400 or "canary" in answer.text


async def test_no_id_of_alice_opens_anything_for_bob(house: House) -> None:
    """Each address that names something, with the id of the very thing that it is for."""
    await asyncio.to_thread(addresses_try, house)


def addresses_try(house: House) -> None:
    mine = belongings(house)
    owned = [one for one in operations(house) if "{" in one.path and not one.path.endswith(SHARED)]
    assert len(owned) >= 15
    wrong = []
    for operation in owned:
        body: Any = {} if operation.method.upper() in {"POST", "PATCH", "PUT"} else None
        answer = request(house, operation.method.upper(), operation.path.format_map(mine), house.bob, body)
        wrong += [f"{operation.label}: {answer.status_code}"] if opened(answer) or answer.status_code != 404 else []
    assert not wrong
    places = ("conversations", "attachments", "images", "search", "webhooks", "voice/recordings")
    for place, found in zip(places, mine.values(), strict=True):
        assert request(house, "GET", f"/api/{place}/{found}/", house.alice).status_code == 200


async def test_no_id_of_alice_in_a_body_or_a_list_says_anything_to_bob(house: House) -> None:
    await asyncio.to_thread(bodies_try, house)


def bodies_try(house: House) -> None:
    mine = belongings(house)
    chat, picture = mine["conversation_id"], mine["attachment_id"]
    assert request(house, "POST", "/api/chat/", house.bob, {"message": "Hi", "conversation": chat}).status_code == 404
    taken = request(house, "POST", "/api/chat/", house.bob, {"message": "Hi", "attachments": [picture]})
    assert taken.status_code in {400, 404}
    batch = {"requests": [{"message": "Hi", "conversation": chat}]}
    several = request(house, "POST", "/api/chat/batch/", house.bob, batch)
    assert [one["status"] for one in several.json()["results"]] == [404]
    for path in ("conversations/", "conversations/?q=canary", "images/", "search/", "webhooks/", "voice/recordings/"):
        listed = request(house, "GET", f"/api/{path}", house.bob)
        assert (listed.status_code, "canary" in listed.text) == (200, False), path
