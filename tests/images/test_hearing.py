"""News of jobs reach the open pages of their owner, and of nobody else."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator

from apps.accounts.access import Access
from apps.accounts.models import User
from apps.core.database import in_database
from apps.images import hearing, services
from apps.images.consumers import ImagesConsumer
from apps.images.models import ImageJob
from apps.images.orders import Order
from apps.images.providers.base import Sketch
from tests.images.engines import PATIENCE, Scripted, picture, working

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("files")]


class Page:
    """An open page of somebody."""

    def __init__(self, user: Any) -> None:
        untyped: Any = WebsocketCommunicator
        self.line = untyped(ImagesConsumer.as_asgi(), "/ws/images/")
        self.line.scope |= {"user": user, "access": Access(user=user)}

    async def open(self) -> None:
        await self.line.connect(timeout=PATIENCE)

    async def hear(self) -> dict[str, Any]:
        heard: dict[str, Any] = json.loads(await self.line.receive_from(timeout=PATIENCE))
        return heard

    async def until(self, state: str) -> list[dict[str, Any]]:
        frames = [await self.hear()]
        while frames[-1]["state"] != state:
            frames.append(await self.hear())
        return frames


@pytest.fixture(autouse=True)
async def ears() -> AsyncIterator[None]:
    """Whatever listens has ended when the test has."""
    yield
    await hearing.ears().end()


@pytest.fixture
async def page(alice: User) -> AsyncIterator[Page]:
    page = Page(alice)
    await page.open()
    yield page
    await page.line.disconnect(timeout=PATIENCE)


async def listening(page: Page, job: ImageJob) -> None:
    """Wait until news arrive at all: joining the news takes a moment."""
    while await page.line.receive_nothing(timeout=0.1):
        hearing.progress(user_id=job.owner_id, job_id=job.id, part=0.01, preview=0, note="")


def order(user: User) -> ImageJob:
    return services.job_create(user=user, order=Order("a boat", width=64, height=64)).job


async def test_a_page_hears_of_progress_and_of_the_end(page: Page, alice: User, engine: Scripted) -> None:
    engine.reports = [Sketch(0.5, picture(), "Half way")]
    job = await in_database(order, alice)
    await listening(page, job)
    with working():
        frames = await page.until("done")
    assert {frame["job"] for frame in frames} == {str(job.id)}
    half = next(frame for frame in frames if frame["progress"] == 0.5)
    assert (half["type"], half["state"], half["note"], half["preview"]) == ("job", "running", "Half way", 1)


async def test_the_last_of_many_reports_is_told_too(page: Page, alice: User, engine: Scripted) -> None:
    engine.reports = [Sketch(0.1), Sketch(0.2), Sketch(0.3)]
    engine.go = threading.Event()
    job = await in_database(order, alice)
    await listening(page, job)
    with working():
        heard = await page.hear()
        while heard["progress"] != 0.3:
            heard = await page.hear()
        engine.go.set()


async def test_nobody_hears_of_the_jobs_of_another(page: Page, alice: User, bob: User, engine: Scripted) -> None:
    mine = await in_database(order, alice)
    await listening(page, mine)
    his = await in_database(order, bob)
    hearing.progress(user_id=bob.pk, job_id=his.id, part=0.7, preview=0, note="")
    hearing.progress(user_id=alice.pk, job_id=mine.id, part=0.9, preview=0, note="")
    heard = await page.hear()
    while heard["progress"] != 0.9:
        assert heard["job"] == str(mine.id)
        heard = await page.hear()


async def test_a_stranger_is_sent_away() -> None:
    from django.contrib.auth.models import AnonymousUser

    page = Page(AnonymousUser())
    await page.open()
    assert (await page.line.receive_output(timeout=PATIENCE))["code"] == 4401


async def test_a_page_that_says_something_is_not_listened_to(page: Page) -> None:
    await page.line.send_to(text_data="}{")
    assert await page.line.receive_nothing(timeout=0.1)


async def test_whoever_leaves_is_forgotten(alice: User) -> None:
    page = Page(alice)
    await page.open()
    await page.line.disconnect(timeout=PATIENCE)
    assert hearing.ears().listeners == {}
