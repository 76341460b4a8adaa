"""Pictures for OpenAI's clients that leave, or that ask twice."""

from __future__ import annotations

import asyncio
import json

import pytest

from apps.core.database import in_database
from apps.images import studio
from apps.images.errors import EngineRefused
from apps.images.models import ImageJob
from tests import cast
from tests.chat.programs import Call, begin
from tests.images.engines import Scripted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("files", "engine")]
AGAIN = {"idempotency-key": "boat-1"}
PATH, BODY = "/v1/images/generations", {"prompt": "a boat", "size": "64x64", "response_format": "url"}


@pytest.fixture
async def key(transactional_db: None) -> str:
    return await in_database(lambda: cast.key_of(cast.alice(), "images"))


def states() -> list[str]:
    return list(ImageJob.objects.values_list("state", flat=True))


async def ordered(jobs: int) -> None:
    async with asyncio.timeout(30):
        while len(await in_database(states)) < jobs:
            await asyncio.sleep(0.02)


async def asked(key: str, *, prompt: str = "a boat", **headers: str) -> Call:
    body = json.dumps(BODY | {"prompt": prompt}).encode()
    return await begin(PATH, body, key, headers=headers | {"content-length": str(len(body))})


async def waiting(key: str, **headers: str) -> Call:
    """A request whose job waits for a worker."""
    call = await asked(key, **headers)
    await ordered(1)
    return call


async def test_a_client_that_leaves_cancels_its_job(key: str) -> None:
    call = await waiting(key)
    await call.leave()
    assert await in_database(states) == ["cancelled"]


async def test_who_has_a_key_to_come_back_with_may_leave_and_gets_the_same_pictures(key: str) -> None:
    call = await waiting(key, **AGAIN)
    await call.leave()
    assert await in_database(states) == ["queued"]
    await in_database(studio.work)
    found = [(await (await asked(key, **AGAIN)).whole()).json["data"] for _ in range(2)]
    assert found[0] == found[1]
    assert await in_database(states) == ["done"]


async def test_a_key_belongs_to_one_order(key: str) -> None:
    await (await waiting(key, **AGAIN)).leave()
    heard = await (await asked(key, prompt="a ship", **AGAIN)).whole()
    assert heard.status == 422
    assert len(await in_database(states)) == 1


async def test_a_key_whose_job_failed_may_order_anew(key: str, engine: Scripted) -> None:
    engine.error = EngineRefused("It does not want to.")
    call = await waiting(key, **AGAIN)
    await in_database(studio.work)
    assert (await call.whole()).status == 502
    engine.error = None
    call = await asked(key, **AGAIN)
    await ordered(2)
    await in_database(studio.work)
    assert (await call.whole()).status == 200
