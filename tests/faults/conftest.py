"""One house for all tests of faults, put in order before each; the chance of each test is seeded."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import pytest
from redis import Redis as RedisClient

from tests.faults.house import House, WebProcess, two_webs

Measured = Callable[[str, object], None]


@pytest.fixture(scope="session")
def the_house() -> Iterator[House]:
    house = House()
    try:
        for web in house.web:
            web.start()
        yield house
    finally:
        house.close()


@pytest.fixture
def house(the_house: House) -> House:
    the_house.tidy()
    return the_house


@pytest.fixture
def pair(house: House) -> Iterator[list[WebProcess]]:
    """Two processes with a cache, in which nothing is kept yet."""
    with RedisClient(unix_socket_path=str(house.redis.socket)) as redis:
        redis.flushall()
    with two_webs(house, "pair", CACHE_TTL="3600") as found:
        yield found


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Random numbers whose seed a failure names; set NITRO_FAULT_SEED to see the same ones again."""
    seed = int(os.environ.get("NITRO_FAULT_SEED") or random.SystemRandom().randrange(10**6))
    request.node.add_report_section("setup", "chance", f"NITRO_FAULT_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Notes a figure for the report; `pytest -rP` shows them."""

    def note(name: str, value: object) -> None:
        request.node.add_report_section("call", "measured", f"{name}: {value}")

    return note
