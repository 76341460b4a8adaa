"""Pictures through killed workers and an emptied Redis: each job has one result, and no unknown file is left."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis import Redis

from nitro import embedded
from tests.faults.conftest import Measured
from tests.faults.house import House, Worker
from tests.faults.talk import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ORDER = {"prompt": "a boat at sunset", "width": 512, "height": 512, "steps": 30, "n": 2}
RESCUE_SECONDS = 60  # R7 and R10
SLACK = 60  # for the drawing itself, on machines that do ten other things


@pytest.fixture
def worker(house: House) -> Iterator[Worker]:
    worker = Worker(house, IMAGE_ENGINE="painter")
    yield worker
    worker.kill()


async def ordered(house: House, count: int) -> list[str]:
    headers = {"Authorization": f"Bearer {house.key}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{house.web[0].port}", headers=headers) as session:
        found = []
        for _ in range(count):
            async with session.post("/api/images/", json=ORDER) as answer:
                assert answer.status == 202, await answer.text()
                found.append(str((await answer.json())["id"]))
    return found


def states(house: House, jobs: list[str]) -> list[str]:
    return [str(row[0]) for row in house.rows("SELECT state FROM images_imagejob WHERE id = ANY(%s::uuid[])", jobs)]


def files_of(home: Path) -> set[str]:
    return {path.name for path in (home / "files" / "gallery").rglob("*") if path.is_file()}


def names_of(house: House) -> set[str]:
    rows: list[tuple[Any, ...]] = house.rows("SELECT file, thumbnail FROM images_image")
    return {str(name) for row in rows for name in row}


def pictures(house: House, jobs: list[str]) -> list[int]:
    statement = "SELECT count(*) FROM images_image WHERE job_id = ANY(%s::uuid[]) GROUP BY job_id"
    return [int(row[0]) for row in house.rows(statement, jobs)]


async def test_each_job_has_one_result_though_its_worker_is_killed_again_and_again(
    house: House, worker: Worker, chance: random.Random, measured: Measured
) -> None:
    jobs = await ordered(house, 3)
    for _ in range(3):
        await until(lambda: "running" in states(house, jobs), RESCUE_SECONDS + SLACK)
        await asyncio.sleep(chance.uniform(0, 2))
        worker.kill()
        worker.start()
    killed = time.monotonic()
    await until(lambda: states(house, jobs) == ["done"] * 3, 3 * (RESCUE_SECONDS + SLACK))
    measured("seconds from the last kill to the last picture", round(time.monotonic() - killed, 1))
    assert pictures(house, jobs) == [2, 2, 2]
    assert files_of(house.home) == names_of(house)


async def test_jobs_that_wait_survive_an_emptied_redis(house: House, measured: Measured) -> None:
    jobs = await ordered(house, 2)
    with Redis.from_url(embedded.redis_url(house.home)) as redis:
        await until(lambda: redis.llen("images") > 0, SLACK)
        redis.flushall()
    worker, emptied = Worker(house, IMAGE_ENGINE="painter"), time.monotonic()
    try:
        await until(lambda: "queued" not in states(house, jobs), RESCUE_SECONDS + SLACK)
        measured("seconds until they are drawn", round(time.monotonic() - emptied, 1))
        await until(lambda: states(house, jobs) == ["done"] * 2, RESCUE_SECONDS + SLACK)
    finally:
        worker.kill()
    assert files_of(house.home) == names_of(house)
