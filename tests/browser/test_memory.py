"""What a cache, a limit of open chats and a quota look like in the page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, StorageState, expect

from benchmarks.standin import StandIn
from tests.browser.nitro_up import NitroUp
from tests.browser.screen import PATIENCE, Screen, Watch, tokens

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

NewTab = Callable[[], Awaitable[Screen]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def thrifty(chromium: str, standin: StandIn) -> AsyncIterator[NitroUp]:
    """Nitro with a cache and room for two open chats."""
    settings = {"AI_MODEL": "openai", "OPENAI_BASE_URL": standin.url, "OPENAI_MODEL": "tokens-20"}
    async with NitroUp(settings | {"CACHE_TTL": "3600", "MAX_SESSIONS": "2"}) as up:
        yield up


@pytest_asyncio.fixture(loop_scope="session")
async def tab(browser: Browser, thrifty: NitroUp) -> AsyncIterator[NewTab]:
    """Opens windows of one person; fails the test on any error in one of them."""
    watch = Watch(thrifty.base)
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, storage_state=await cookies(thrifty, browser)
    )
    context.set_default_timeout(PATIENCE)
    context.on("page", watch.page)

    async def open_one() -> Screen:
        return Screen(await context.new_page(), thrifty.base)

    yield open_one
    await context.close()
    assert watch.wrong == []


_cookies: dict[str, StorageState] = {}


async def cookies(nitro: NitroUp, browser: Browser) -> StorageState:
    """Those of the person who came in by the link, which works once."""
    if nitro.base not in _cookies:
        context = await browser.new_context()
        await (await context.new_page()).goto(nitro.link)
        _cookies[nitro.base] = await context.storage_state()
        await context.close()
    return _cookies[nitro.base]


async def test_an_answer_from_memory_says_so_and_can_be_asked_for_again(tab: NewTab) -> None:
    screen = await tab()
    for _ in range(2):
        await screen.home()
        await screen.ask("What is a lighthouse?")
        await screen.ended()
        assert await screen.text() == tokens(1, 20)
    await expect(screen.last.locator(".meta")).to_contain_text("from memory")
    await screen.last.get_by_role("button", name="Ask again").click()
    await expect(screen.last.locator(".versions")).to_contain_text("2")
    await screen.ended()
    assert await screen.text() == tokens(1, 20)
    await expect(screen.last.locator(".meta")).not_to_contain_text("from memory")


async def chat(tab: NewTab, question: str) -> Screen:
    screen = await tab()
    await screen.home()
    await screen.ask(question)
    await screen.ended()
    return screen


async def test_a_chat_that_made_room_goes_on_with_one_click(tab: NewTab) -> None:
    first = await chat(tab, "One")
    await first.question.fill("Half a thou")
    await chat(tab, "Two")
    await chat(tab, "Three")
    notice = first.page.locator("#paused")
    await expect(notice).to_be_visible()
    await first.page.get_by_role("button", name="Go on").click()
    await expect(notice).to_be_hidden()
    await expect(first.question).to_have_value("Half a thou")
    await first.ask("And then?")
    await first.ended()
    await expect(first.answers).to_have_count(2)


async def test_a_chat_that_made_room_goes_on_with_the_next_question(tab: NewTab) -> None:
    first = await chat(tab, "Four")
    await chat(tab, "Five")
    await chat(tab, "Six")
    await expect(first.page.locator("#paused")).to_be_visible()
    await first.ask("And then?")
    await expect(first.answers).to_have_count(2)
    await first.ended()
    await expect(first.page.locator("#paused")).to_be_hidden()
