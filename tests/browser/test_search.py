"""Search as somebody sees it: the globe, the steps, what was read, and marks that open their passage."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from benchmarks.standin import StandIn
from tests.browser.nitro_up import NitroUp
from tests.browser.screen import PATIENCE, Screen, Watch
from tests.core.outside.servers import Local
from tests.search.web import BRIDGE, QUESTION, article, found, searx, web

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
ANSWER = (
    "The bridge of Tarrow was opened on 4 May 1931 [1]. It is 1,240 metres long [2]. It cost 90 million crowns [1]."
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small_web() -> AsyncIterator[Local]:
    async with web(evil=_evil()) as server:
        yield server


def _evil() -> bytes:
    hostile = "&lt;img src=x onerror=alert(1)&gt;&lt;script&gt;alert(2)&lt;/script&gt;"
    return article(f"Tarrow {hostile}", f"{BRIDGE} {hostile}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(chromium: str, small_web: Local) -> AsyncIterator[NitroUp]:
    """A Nitro that searches the small web and answers with marks, right and wrong ones."""
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(web())
        results = [*found(small_web, "bridge"), *found(other, "length"), *found(small_web, "evil", "broken")]
        engine = await stack.enter_async_context(searx(*results))
        model = await stack.enter_async_context(StandIn(text=ANSWER, rate=40.0))
        settings = {
            "AI_MODEL": "openai",
            "OPENAI_BASE_URL": model.url,
            "SEARCH_ENGINE": "searxng",
            "SEARXNG_URL": engine.url("").rstrip("/"),
            "FETCH_ALLOWED_PRIVATE": f"127.0.0.1:{small_web.port},127.0.0.1:{other.port}",
        }
        yield await stack.enter_async_context(NitroUp(settings))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visit(chromium: str, house: NitroUp) -> AsyncIterator[Browser]:
    from playwright.async_api import async_playwright

    from tests.browser.conftest import ARGUMENTS

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tab(visit: Browser, house: NitroUp) -> AsyncIterator[Page]:
    context = await visit.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    watch = Watch(house.base)
    context.on("page", watch.page)
    page = await context.new_page()
    await page.goto(house.link)
    yield page
    assert watch.wrong == []
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def shown(tab: Page, house: NitroUp) -> Screen:
    return Screen(tab, house.base)


async def searched(screen: Screen) -> None:
    """Ask from the room of search, and wait for the whole answer."""
    await screen.page.goto(f"{screen.base}/search/")
    await screen.page.get_by_label("What would you like to know?").fill(QUESTION)
    await screen.page.get_by_role("button", name="Search", exact=True).click()
    await expect(screen.page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}/"))
    await screen.ended()


async def test_a_question_is_answered_with_marks_that_open_their_passage(shown: Screen) -> None:
    await searched(shown)
    marks = shown.words.locator('a[href^="/search/passages/"]')
    await expect(marks).to_have_text(["1", "2"])
    assert "90 million crowns." in await shown.text()
    await marks.first.click()
    dialog = shown.page.get_by_role("dialog")
    await expect(dialog.locator("mark")).to_contain_text("opened on 4 May 1931")
    await expect(dialog.locator(".passage-claims")).to_contain_text("was opened on 4 May 1931")
    await dialog.get_by_role("button", name="Close").click()
    await expect(dialog).to_be_hidden()
    await marks.nth(1).click()
    await expect(dialog.locator("mark")).to_contain_text("1,240 metres")
    await shown.page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()


async def test_what_was_read_stands_above_the_answer_and_what_failed_says_why(shown: Screen) -> None:
    await searched(shown)
    strip = shown.last.locator(".sources")
    await expect(strip.locator("summary")).to_contain_text("Read 3 of 4 pages")
    await strip.locator("summary").click()
    await expect(strip.locator(".source")).to_have_count(4)
    await expect(strip.locator('.source[data-state="failed"] .source-reason')).to_contain_text("500")


async def test_what_a_page_says_is_shown_as_text_alone(shown: Screen) -> None:
    await searched(shown)
    await shown.page.goto(f"{shown.base}/search/")
    await shown.page.locator(".search-link").first.click()
    evil = shown.page.locator('.source[value="3"]')
    await expect(evil.locator(".source-title")).to_contain_text("<script>")
    assert await evil.locator("img, script").count() == 0


async def test_the_globe_makes_a_question_of_a_chat_be_searched_for(shown: Screen) -> None:
    await shown.home()
    globe = shown.page.get_by_role("button", name="Search the web first")
    await globe.click()
    await expect(globe).to_have_attribute("aria-pressed", "true")
    await shown.ask(QUESTION)
    await shown.ended()
    await expect(shown.last.locator(".sources summary")).to_contain_text("Read 3 of 4 pages")
    await globe.click()
    await shown.ask("And without a search?")
    await shown.ended()
    await expect(shown.last.locator(".sources")).to_have_count(0)


async def test_a_search_can_be_forgotten(shown: Screen) -> None:
    await searched(shown)
    await shown.page.goto(f"{shown.base}/search/")
    await shown.page.locator(".search-link").first.click()
    before = shown.page.url
    await shown.page.get_by_role("button", name="Forget").click()
    await expect(shown.page.get_by_text("The search is forgotten.")).to_be_visible()
    answer = await shown.context.request.get(before)
    assert answer.status == 404
