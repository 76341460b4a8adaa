"""The admin as an administrator sees it: the board, a session that is closed, a list, and words only after a reason."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import NewScreen
from tests.browser.screen import Screen, tokens

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


async def test_an_administrator_closes_a_session_and_its_page_offers_to_go_on(
    screen: Screen, new_screen: NewScreen
) -> None:
    chat = await new_screen(viewport={"width": 900, "height": 700})
    conversation = await chat.begin("tokens-5")
    page = screen.page
    await page.goto(f"{screen.base}/admin/")
    await page.get_by_role("link", name=re.compile("^Live sessions \\d")).click()
    row = page.get_by_role("row").filter(has_text=conversation[:8])
    await row.get_by_role("button", name="Close").click()
    await expect(page.get_by_text("Its page offers to go on")).to_be_visible()
    notice = chat.page.locator("#paused")
    await expect(notice).to_contain_text("An administrator closed this chat's connection.")
    await expect(row).to_have_count(0)
    await notice.get_by_role("button", name="Go on").click()
    await expect(notice).to_be_hidden()
    await chat.ask("Are you there?")
    await chat.ended()
    assert await chat.text() == tokens(1, 5)


async def test_a_page_of_pictures_goes_on_after_it_was_closed(screen: Screen, new_screen: NewScreen) -> None:
    pictures = (await new_screen(viewport={"width": 900, "height": 700})).page
    await pictures.goto(f"{screen.base}/images/")
    page = screen.page
    await page.goto(f"{screen.base}/admin/sessions/")
    row = page.get_by_role("row").filter(has_text="pictures")
    await row.get_by_role("button", name="Close").click()
    notice = pictures.locator("#paused")
    await expect(notice).to_contain_text("An administrator closed this page's connection.")
    await expect(row).to_have_count(0)
    await notice.get_by_role("button", name="Go on").click()
    await expect(notice).to_be_hidden()
    await expect(row).to_have_count(1)
    await pictures.locator("#prompt").fill("A hill after the break")
    await pictures.get_by_role("button", name="Draw", exact=True).click()
    await expect(pictures.get_by_role("link", name="A hill after the break")).to_have_count(1)


async def test_words_are_shown_after_a_reason_and_bulk_actions_show_their_progress(
    screen: Screen, new_screen: NewScreen
) -> None:
    chat = await new_screen(viewport={"width": 900, "height": 700})
    conversation = await chat.begin("tokens-5")
    await chat.ask("<b>A secret</b>")
    await chat.ended()
    page = screen.page
    await page.goto(f"{screen.base}/admin/chat/conversation/{conversation}/change/")
    await expect(page.locator("body")).not_to_contain_text("A secret")
    await page.get_by_role("link", name="Look at the messages").click()
    await page.get_by_label("Why").fill("She asked me to find out what went wrong.")
    await page.get_by_role("button", name="Write it down and look").click()
    await expect(page.get_by_role("article").filter(has_text="Question").locator("pre")).to_have_text("<b>A secret</b>")
    await page.goto(f"{screen.base}/admin/chat/conversation/?q={conversation}")
    await page.locator("input.action-select").check()
    await page.get_by_label("Action:").select_option("chats_delete")
    await page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).first.click()
    await page.get_by_role("button", name="Do it").click()
    await expect(page.get_by_text("1 of 1 rows")).to_be_visible()
    await expect(page.locator("#progress")).to_contain_text("Done")
    await page.goto(f"{screen.base}/admin/core/auditentry/")
    await expect(page.locator("#result_list")).to_contain_text("She asked me to find out what went wrong.")
