"""Whoever holds a button keeps it, while the server's rendering takes the place of what the page has drawn."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Route, expect

from tests.browser.screen import Screen

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
Held = Callable[[], AbstractAsyncContextManager[None]]


@pytest_asyncio.fixture
async def held(screen: Screen) -> Held:
    """Keeps the server's rendering of a message back until the block's end, and waits then until it is in the page."""

    @asynccontextmanager
    async def hold() -> AsyncIterator[None]:
        release = asyncio.Event()

        async def slowly(route: Route) -> None:
            await release.wait()
            await route.continue_()

        one = re.compile(r"/c/[^/]+/m/")
        await screen.page.route(one, slowly)
        yield
        release.set()
        await expect(screen.last.locator(".meta-model")).to_have_count(1)
        await screen.page.unroute(one)

    return hold


async def test_a_focused_button_keeps_the_focus(screen: Screen, held: Held) -> None:
    await screen.begin("tokens-6")
    async with held():
        await screen.ask("Hello.")
        await screen.said()
        await screen.last.locator('[data-action="retry"]').focus()
    await screen.page.keyboard.press("Enter")
    await expect(screen.last.locator(".versions-count")).to_have_text("2/ of 2")


async def test_a_button_that_is_rendered_anew_gets_the_focus_of_the_old_one(screen: Screen, held: Held) -> None:
    await screen.begin("error-at-4")
    async with held():
        await screen.ask("Hello.")
        await screen.said("failed")
        await screen.last.get_by_role("button", name="Try again").focus()
    await expect(screen.last.locator(".problem-actions").get_by_role("button", name="Try again")).to_be_focused()


async def test_a_pressed_button_works_when_it_is_let_go(screen: Screen, held: Held) -> None:
    await screen.begin("tokens-6")
    async with held():
        await screen.ask("Hello.")
        await screen.said()
        await screen.last.locator('[data-action="retry"]').hover()
        await screen.page.mouse.down()
    await screen.page.mouse.up()
    await expect(screen.last.locator(".versions-count")).to_have_text("2/ of 2")


async def test_versions_are_leafed_through_by_keyboard(screen: Screen) -> None:
    await screen.begin("tokens-6")
    await screen.ask("Hello.")
    for count in (2, 3):
        await screen.ended()
        await screen.action("retry")
        await expect(screen.last.locator(".versions-count")).to_have_text(f"{count}/ of {count}")
    await screen.last.get_by_label("Older version").focus()
    for count in (2, 1):
        await screen.page.keyboard.press("Enter")
        await expect(screen.last.locator(".versions-count")).to_have_text(f"{count}/ of 3")
    await expect(screen.last.get_by_label("Older version")).to_be_disabled()
    await expect(screen.last.get_by_label("Newer version")).to_be_focused()
    await screen.page.keyboard.press("Enter")
    await expect(screen.last.locator(".versions-count")).to_have_text("2/ of 3")
    await expect(screen.last.get_by_label("Newer version")).to_be_focused()
