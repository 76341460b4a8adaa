"""`/metrics` over real processes: what a look at all figures costs the server, as JSON and as Prometheus' text.

    python -m benchmarks.metrics --repeat 200 --workers 2 --messages 1000

The promise is less than 5 ms. People ask over the API before, so that there is something to tell.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from statistics import median

import aiohttp

from benchmarks.household import Household, household
from benchmarks.reading import percentile

FORMS = ("json", "prometheus")
PEOPLE = 5
WARM = 5
PROMISED_MS = 5.0


async def traffic(house: Household, messages: int) -> None:
    """Conversations of so many messages, and an answer for each of a few people."""
    if messages:
        await asyncio.to_thread(house.seats, PEOPLE, messages=messages)
    keys = await asyncio.to_thread(house.keys, PEOPLE)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{house.port}") as session:
        for key in keys:
            wish = {"message": "Hello", "model": "openai:tokens-5"}
            async with session.post("/api/chat/", json=wish, headers={"Authorization": f"Bearer {key}"}) as answer:
                assert answer.status == 200, await answer.text()


async def looks(house: Household, form: str, repeat: int) -> dict[str, float]:
    """So many looks one after the other, each over a connection of its own: all web processes have their turn."""
    url, server = f"http://127.0.0.1:{house.port}/metrics", list[float]()
    size = 0
    for number in range(WARM + repeat):
        async with aiohttp.ClientSession() as session, session.get(url, params={"format": form}) as answer:
            assert answer.status == 200, answer.status
            size = len(await answer.read())
            if number >= WARM:
                server.append(float(answer.headers["X-Response-Time"]) * 1000)
    figures = {"median_ms": median(server), "p95_ms": percentile(server, 0.95), "max_ms": max(server)}
    return {name: round(value, 2) for name, value in figures.items()} | {"bytes": size, "looks": len(server)}


async def measure(house: Household, *, repeat: int, messages: int) -> dict[str, dict[str, float]]:
    """Both forms, after some traffic."""
    await traffic(house, messages)
    return {form: await with_cpu(house, form, repeat) for form in FORMS}


async def with_cpu(house: Household, form: str, repeat: int) -> dict[str, float]:
    """The figures of a form, and what a look costs the web processes, connection included: that travels better."""
    before = house.cpu().web
    found = await looks(house, form, repeat)
    return found | {"cpu_ms": round((house.cpu().web - before) * 1000 / (WARM + repeat), 2)}


def main() -> None:
    """Start everything, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.metrics", description=__doc__)
    parser.add_argument("--repeat", type=int, default=200, help="looks of each form")
    parser.add_argument("--workers", type=int, default=2, help="web processes")
    parser.add_argument("--messages", type=int, default=1000, help="in each of a few conversations")
    given = parser.parse_args()
    with household(workers=given.workers) as house:
        found = asyncio.run(measure(house, repeat=given.repeat, messages=given.messages))
    print(json.dumps({"promised_ms": PROMISED_MS, **found}, indent=2))


if __name__ == "__main__":
    main()
