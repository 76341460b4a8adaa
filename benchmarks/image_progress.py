"""How soon a page hears what an engine reports, and how soon an engine hears that its picture is not wanted any more.

The engine is a stand-in that speaks AUTOMATIC1111's wire, the slowest of them, since it has to be asked how far it is.
From it the way is Nitro's own: the worker's watch, Redis, the consumer of the page's socket.
"""

from __future__ import annotations

import asyncio
import base64
import io
import time
from statistics import median
from typing import Any

from aiohttp import web
from PIL import Image

STEPS = 30
STEP_SECONDS = 0.37  # no multiple of what anything in Nitro waits for
PATIENCE = 60.0


class Engine:
    """A Stable Diffusion server that notes when it got how far, and when it was interrupted."""

    def __init__(self) -> None:
        self.reached: dict[float, float] = {}
        self.progress = 0.0
        self.interrupted = asyncio.Event()
        self.began = asyncio.Event()
        self.interrupted_at = 0.0

    async def __aenter__(self) -> str:
        app = web.Application()
        app.router.add_post("/sdapi/v1/txt2img", self.draw)
        app.router.add_get("/sdapi/v1/progress", self.tell)
        app.router.add_post("/sdapi/v1/interrupt", self.interrupt)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def draw(self, request: web.Request) -> web.Response:
        self.began.set()
        for step in range(1, STEPS):
            if self.interrupted.is_set():
                break
            self.progress = round(step / STEPS, 4)
            self.reached[self.progress] = time.perf_counter()
            await asyncio.sleep(STEP_SECONDS)
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64)).save(buffer, "PNG")
        return web.json_response({"images": [base64.b64encode(buffer.getvalue()).decode()]})

    async def tell(self, request: web.Request) -> web.Response:
        return web.json_response({"progress": self.progress, "current_image": None})

    async def interrupt(self, request: web.Request) -> web.Response:
        self.interrupted_at = time.perf_counter()
        self.interrupted.set()
        return web.json_response({})


def measured(user: Any) -> dict[str, dict[str, float]]:
    """Both figures, in milliseconds. Needs Django, its database and Redis."""
    return {
        "progress, from the engine to the page": asyncio.run(progress(user)),
        "cancelling, from the order to the engine": asyncio.run(cancelled(user)),
    }


async def progress(user: Any) -> dict[str, float]:
    """One picture of many steps, watched by one page."""
    from apps.images import hearing

    engine = Engine()
    heard: dict[float, float] = {}

    def hear(item: dict[str, Any]) -> None:
        if item["progress"] in engine.reached:
            heard.setdefault(item["progress"], (time.perf_counter() - engine.reached[item["progress"]]) * 1000)

    async with engine as url:
        hearing.ears().open(user.pk, hear)
        await asyncio.sleep(1)  # joining the news takes a moment
        await asyncio.to_thread(drawn, user, url)
        await hearing.ears().end()
    late = sorted(heard.values())
    return {"heard": len(late), "of": STEPS - 1, "median_ms": median(late), "worst_ms": late[-1]}


async def cancelled(user: Any) -> dict[str, float]:
    """Three pictures, each cancelled while it is being drawn."""
    from apps.core.database import in_database
    from apps.images import services
    from apps.images.models import ImageJob

    times = []
    for _ in range(3):
        engine = Engine()
        async with engine as url:
            drawing = asyncio.ensure_future(asyncio.to_thread(drawn, user, url))
            async with asyncio.timeout(PATIENCE):
                await engine.began.wait()
                job = await in_database(
                    lambda: ImageJob.objects.filter(owner=user, state="running").latest("created_at")
                )
                began = time.perf_counter()
                await in_database(services.job_cancel, user=user, job_id=job.id)
                await engine.interrupted.wait()
                await drawing
        times.append((engine.interrupted_at - began) * 1000)
    return {"median_ms": median(times), "worst_ms": max(times)}


def drawn(user: Any, url: str) -> None:
    """Order a picture and draw it, as the worker would."""
    from django.db import connection

    from apps.images import registry, services, studio
    from apps.images.orders import Order
    from apps.images.providers.automatic1111 import Automatic1111

    engine = Automatic1111(url, "")
    registry.use(engine)
    try:
        services.job_create(user=user, order=Order("a boat", width=64, height=64))
        studio.work()
        asyncio.run_coroutine_threadsafe(engine.close(), studio.loop()).result(PATIENCE)
    finally:
        registry.use(None)
        connection.close()
