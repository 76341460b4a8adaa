"""The measuring of `/metrics`: the server's own time of each form, without the first looks."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from benchmarks.household import Household, free_port
from benchmarks.metrics import WARM, looks


async def test_the_first_looks_do_not_count() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.query["format"])
        seconds = "9" if len(asked) <= WARM else f"0.00{len(asked) - WARM}"
        return web.Response(text="four", headers={"X-Response-Time": seconds})

    application = web.Application()
    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    house = Household(Path(), free_port(), 0, {})
    await web.TCPSite(runner, "127.0.0.1", house.port).start()
    found = await looks(house, "prometheus", 5)
    await runner.cleanup()
    assert set(asked) == {"prometheus"}
    assert found == {"median_ms": 3.0, "p95_ms": 5.0, "max_ms": 5.0, "bytes": 4, "looks": 5}
