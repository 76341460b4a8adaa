"""The room of the pictures in a real browser: from words to a picture on the wall, and back again."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import NewScreen
from tests.browser.screen import Screen

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
PHONE = {"width": 390, "height": 844}


async def order(page: Page, prompt: str) -> None:
    await page.locator("#prompt").fill(prompt)
    await page.get_by_role("button", name="Draw", exact=True).click()


async def test_a_picture_is_drawn_seen_used_again_deleted_and_brought_back(screen: Screen) -> None:
    page = screen.page
    await page.goto(screen.base + "/images/")
    await order(page, "Sunset over a quiet sea, seen by a test")
    await expect(page.locator(".job .job-progress")).to_be_visible()
    tile = page.get_by_role("link", name="Sunset over a quiet sea, seen by a test")
    await expect(tile).to_have_count(1)
    await expect(page.locator(".job")).to_have_count(0)

    await tile.click()
    viewer = page.get_by_role("dialog")
    await expect(viewer).to_contain_text("without an AI model")
    await expect(viewer.get_by_role("img")).to_have_js_property("complete", True)
    await viewer.get_by_role("link", name="Use again").click()
    await expect(page.locator("#prompt")).to_have_value("Sunset over a quiet sea, seen by a test")
    await expect(page.locator("#seed")).to_have_value(re.compile(r"\d+"))
    await page.get_by_role("button", name="Draw", exact=True).click()
    await expect(page.locator(".toast")).to_contain_text("You have that picture already.")

    await tile.click()
    await page.keyboard.press("Delete")
    await expect(tile).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(tile).to_have_count(1)


async def test_the_gallery_is_leafed_through_and_tidied_with_the_keyboard_alone(screen: Screen) -> None:
    page = screen.page
    await page.goto(screen.base + "/images/")
    for prompt in ("One leaf", "Another leaf"):
        await order(page, f"{prompt} of a book")
    tiles = page.locator(".tile a", has=page.locator('img[alt*="leaf of a book"]'))
    await expect(tiles).to_have_count(2)
    seen = page.locator("#viewer-prompt")
    await page.locator("#gallery-q").fill("leaf of a book")
    await expect(page.locator(".tile")).to_have_count(2)
    await tiles.first.press("Enter")
    # To the end, where the button that was used is switched off, and back.
    await expect(seen).to_have_text("Another leaf of a book")
    for key, shown in (("ArrowRight", "One"), ("ArrowRight", "One"), ("ArrowLeft", "Another"), ("Delete", "One")):
        await page.keyboard.press(key)
        await expect(seen).to_have_text(f"{shown} leaf of a book")
    await page.get_by_role("dialog").get_by_role("button", name="Undo").press("Enter")
    await expect(seen).to_have_text("Another leaf of a book")
    await page.keyboard.press("ArrowRight")
    await expect(seen).to_have_text("One leaf of a book")
    await page.keyboard.press("Escape")
    await expect(tiles.last).to_be_focused()
    # Still those that were searched for.
    await expect(page.locator(".tile")).to_have_count(2)


async def drawn(page: Page, *prompts: str) -> None:
    """The room of the pictures with these in it, the newest of them looked at."""
    for prompt in prompts:
        await order(page, prompt)
    tiles = page.locator(".tile a")
    for prompt in prompts:
        await expect(tiles.filter(has=page.locator(f'img[alt="{prompt}"]'))).to_have_count(1)
    await expect(page.locator(".job")).to_have_count(0)
    await tiles.first.press("Enter")


async def test_a_picture_that_comes_back_is_shown_when_the_gallery_is_hung_without_it_first(
    screen: Screen,
) -> None:
    page = screen.page
    await page.goto(screen.base + "/images/")
    await drawn(page, "A stone that stays", "A stone that comes back")
    seen = page.locator("#viewer-prompt")
    await expect(seen).to_have_text("A stone that comes back")
    await page.keyboard.press("Delete")
    await expect(seen).to_have_text("A stone that stays")
    undo = page.get_by_role("dialog").get_by_role("button", name="Undo")
    await expect(undo).to_be_visible()
    earlier = await (await screen.context.request.get(screen.base + "/images/", headers={"HX-Request": "true"})).text()
    held = asyncio.Event()

    async def slowly(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route(re.compile(r"/images/\?"), slowly)
    async with page.expect_request(re.compile(r"/images/\?")):
        await undo.press("Enter")
    # What the server had rendered for a search just before arrives now.
    await page.evaluate("html => htmx.swap('#grid', html, {swapStyle: 'innerHTML'})", earlier)
    await expect(page.locator('.tile img[alt="A stone that comes back"]')).to_have_count(0)
    held.set()
    await expect(seen).to_have_text("A stone that comes back")


async def test_a_button_works_from_the_moment_it_is_there(screen: Screen) -> None:
    page = screen.page
    await page.goto(screen.base + "/images/")
    await drawn(page, "A leaf that stays", "A leaf that comes back at once")
    await page.evaluate("""() => new MutationObserver((_, observer) => {
        observer.disconnect();
        document.querySelector("#toasts .toast-action").click();
    }).observe(document.getElementById("toasts"), { childList: true })""")
    await page.keyboard.press("Delete")
    await expect(page.locator("#viewer-prompt")).to_have_text("A leaf that comes back at once")
    await expect(page.locator("#toasts .toast")).to_have_count(0)


@pytest.mark.slow
async def test_of_three_pictures_deleted_in_a_hurry_none_stays(screen: Screen) -> None:
    page = screen.page
    await page.goto(screen.base + "/images/")
    await drawn(page, "One hasty leaf", "Two hasty leaves", "Three hasty leaves")
    held = asyncio.Event()

    async def slowly(route: Route) -> None:
        await held.wait()
        await route.continue_()

    deleted = []
    page.on("response", lambda response: deleted.append(response.url) if response.url.endswith("/delete/") else None)
    await page.route(re.compile(r"/delete/$"), slowly)
    for _ in range(3):
        await page.keyboard.press("Delete")
    hasty = page.locator('.tile img[alt*="hasty lea"]')
    await expect(hasty).to_have_count(0)
    held.set()
    while len(deleted) < 3:
        await asyncio.sleep(0.05)
    await page.reload()
    await expect(page.locator(".tile").or_(page.locator(".grid-empty")).first).to_be_visible()
    await expect(hasty).to_have_count(0)


async def test_what_is_wrong_is_said_and_what_was_typed_stays(screen: Screen) -> None:
    page = screen.page
    await page.goto(screen.base + "/images/?size=100x100")
    await order(page, "A square of an odd size")
    await expect(page.locator("#order-problem")).to_contain_text("multiple of 8")
    await expect(page.locator("#prompt")).to_have_value("A square of an odd size")


async def test_a_picture_is_drawn_inside_of_a_chat(screen: Screen) -> None:
    await screen.home()
    await screen.page.get_by_role("button", name="Draw a picture").click()
    await screen.page.keyboard.type("mountains at night")
    await screen.page.keyboard.press("Enter")
    await expect(screen.last.locator(".drawing-pictures img")).to_be_visible()
    await expect(screen.last).to_contain_text("without an AI model")
    await screen.page.reload()
    await expect(screen.last.locator(".drawing-pictures img")).to_be_visible()


async def test_on_a_phone_the_room_is_not_wider_than_the_screen(new_screen: NewScreen) -> None:
    screen = await new_screen(viewport=PHONE, has_touch=True, is_mobile=True)
    await screen.page.goto(screen.base + "/images/")
    assert await screen.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
