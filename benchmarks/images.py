"""What the pictures cost: an order, one that was drawn before, a gallery of ten thousand, progress and cancelling.

`python -m benchmarks.images` against Nitro's own views, in this process, on a database of its own.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import image_progress
from nitro.embedded.postgres import Postgres
from nitro.embedded.redis import Redis
from nitro.process import end, spawn, wait_until

REPEATS = 100
GALLERY = 10_000
ORDER = {"prompt": "a boat", "width": 512, "height": 512}


def timed(ask: Callable[[], Any], status: int) -> dict[str, float]:
    """Milliseconds of many requests, one after the other."""
    taken, cpu = [], time.process_time()
    for _ in range(REPEATS):
        began = time.perf_counter()
        answer = ask()
        taken.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == status, answer.content
    cpu = (time.process_time() - cpu) * 1000 / REPEATS
    taken.sort()
    return {"median_ms": median(taken), "p95_ms": taken[int(REPEATS * 0.95)], "cpu_ms": cpu}


def measure() -> dict[str, dict[str, float]]:
    """All figures, by name."""
    from django.test import Client

    from apps.accounts import services as accounts
    from apps.images import services

    services.MOST_WAITING = 10**6
    user = accounts.user_create(username="bench")
    page, program = Client(), Client()
    page.force_login(user)
    key = accounts.api_key_create(user=user, name="bench").secret
    program.defaults["HTTP_AUTHORIZATION"] = f"Bearer {key}"

    def post(more: dict[str, int]) -> Any:
        return program.post("/api/images/", ORDER | more, content_type="application/json")

    fill(user)
    found = {"an order": timed(lambda: post({}), 202)}
    post({"seed": 7})
    done(user)
    found["an order that was drawn before"] = timed(lambda: post({"seed": 7}), 202)
    found["the gallery of 10,000"] = timed(lambda: page.get("/images/"), 200)
    found["… searched"] = timed(lambda: page.get("/images/?q=lighthouse"), 200)
    found["… searched for what is not there"] = timed(lambda: page.get("/images/?q=castle"), 200)
    return found | image_progress.measured(accounts.user_create(username="watcher"))


def fill(user: Any) -> None:
    """Ten thousand pictures of jobs of four."""
    from apps.images.models import Image, ImageJob

    subjects = ("a boat", "a lighthouse", "a forest", "swirls")
    jobs = ImageJob.objects.bulk_create(
        ImageJob(owner=user, prompt=f"{subjects[n % 4]} number {n}", state="done", engine="painter", **sizes())
        for n in range(GALLERY // 4)
    )
    images = [
        Image(
            owner=user, job=job, position=place, file=f"{job.id.hex}-1-{place}.png",
            thumbnail=f"{job.id.hex}-1-{place}.small.webp", width=512, height=512, size=1, digest="0" * 64, seed=place,
        )
        for job in jobs
        for place in range(4)
    ]  # fmt: skip
    Image.objects.bulk_create(images, batch_size=1000)


def sizes() -> dict[str, Any]:
    return {"width": 512, "height": 512, "steps": 20, "guidance": 7.0, "seed": 1, "count": 4}


def done(user: Any) -> None:
    """As if the worker had drawn what waits."""
    from apps.images.models import ImageJob

    ImageJob.objects.filter(owner=user, state="queued").update(state="done")


def main() -> None:
    """Start what is needed, measure, print, and leave nothing behind."""
    with tempfile.TemporaryDirectory(prefix="nitro-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        os.environ |= {"NITRO_HOME": folder, "DJANGO_SETTINGS_MODULE": "nitro.settings", "ALLOWED_HOSTS": "testserver"}
        stores: list[Postgres | Redis] = [Postgres(home), Redis(home)]
        children = []
        try:
            for store in stores:
                store.prepare()
                children.append(spawn(store.program()))
                assert wait_until(store.ready, 60)
            import django

            django.setup()
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
            for name, figures in measure().items():
                print(f"{name:41}", "  ".join(f"{what} {value:7.1f}" for what, value in figures.items()))
        finally:
            for store, child in zip(stores, children, strict=False):
                end(child, store.program().stop_signal, 20)


if __name__ == "__main__":
    main()
