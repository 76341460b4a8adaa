"""Versions: answering again, asking differently, going on, and switching between what there is."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.screen import Screen, tokens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_retry_makes_a_second_version_to_switch_to(screen: Screen) -> None:
    await screen.begin("tokens-5")
    await screen.ask("Count.")
    await screen.ended()
    first = await screen.last.get_attribute("data-message")
    await screen.action("retry")
    await expect(screen.last.locator(".versions-count")).to_have_text("2/ of 2")
    await expect(screen.answers).to_have_count(1)
    await screen.last.get_by_label("Older version").click()
    await expect(screen.last).to_have_attribute("data-message", str(first))
    await expect(screen.last.locator(".versions-count")).to_have_text("1/ of 2")
    await screen.page.reload()
    await expect(screen.last).to_have_attribute("data-message", str(first))


async def test_an_edited_question_begins_another_branch(screen: Screen) -> None:
    await screen.begin("tokens-5")
    await screen.ask("one")
    await screen.ended()
    await screen.ask("two")
    await expect(screen.answers).to_have_count(2)
    await screen.ended()
    await screen.action("edit", screen.questions.first)
    await screen.page.locator("#edit-text").fill("one, but different")
    await screen.page.get_by_role("button", name="Ask again").click()
    await screen.ended()
    await expect(screen.questions.locator(".bubble")).to_have_text(["one, but different"])
    await expect(screen.questions.first.locator(".versions-count")).to_have_text("2/ of 2")
    await screen.questions.first.get_by_label("Older version").click()
    await expect(screen.questions.locator(".bubble")).to_have_text(["one", "two"])


async def test_an_edit_can_be_given_up(screen: Screen) -> None:
    await screen.begin("tokens-5")
    await screen.ask("one")
    await screen.ended()
    await screen.action("edit", screen.questions.first)
    await screen.page.locator("#edit-text").fill("something else")
    await screen.page.keyboard.press("Escape")
    await expect(screen.questions.first.locator(".bubble")).to_have_text("one")
    await expect(screen.page.locator("#edit-text")).to_have_count(0)


async def test_an_answer_at_its_length_limit_goes_on(screen: Screen) -> None:
    await screen.begin("length-at-10")
    await screen.ask("Count.")
    await expect(screen.last.locator(".cut")).to_contain_text("length limit")
    await screen.action("continue")
    await screen.wrote(20)
    await expect(screen.last.locator(".cut")).to_contain_text("length limit")
    assert await screen.text() == tokens(1, 20)
    await expect(screen.answers).to_have_count(1)
