"""The list of chats: renaming, deleting, and thinking better of it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from tests.browser.screen import Screen

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def chat_with(screen: Screen, question: str) -> Locator:
    """A chat with one question in it, and its line in the list."""
    conversation = await screen.begin("tokens-2")
    await screen.ask(question)
    await screen.ended()
    return screen.page.locator(f"#chat-{conversation}")


async def test_a_chat_is_renamed_in_its_place(screen: Screen) -> None:
    line = await chat_with(screen, "Rename me please")
    await line.hover()
    await line.get_by_title("Rename", exact=True).click()
    await screen.page.get_by_label("Title of the chat").fill("A better name")
    await screen.page.keyboard.press("Enter")
    await expect(line).to_have_text(re.compile("A better name"))
    await expect(screen.page.locator("#title")).to_have_text("A better name")
    await screen.page.reload()
    await expect(line).to_have_text(re.compile("A better name"))


async def test_escape_gives_a_renaming_up(screen: Screen) -> None:
    line = await chat_with(screen, "Keep my name")
    await line.hover()
    await line.get_by_title("Rename", exact=True).click()
    await screen.page.get_by_label("Title of the chat").fill("Nonsense")
    await screen.page.keyboard.press("Escape")
    await expect(line).to_have_text(re.compile("Keep my name"))


async def test_a_deleted_chat_comes_back_with_undo(screen: Screen) -> None:
    line = await chat_with(screen, "Delete me from afar")
    await screen.home()
    await line.hover()
    await line.get_by_title("Delete", exact=True).click()
    await expect(line).to_have_count(0)
    await screen.page.get_by_role("button", name="Undo").click()
    await expect(line).to_have_count(1)
    await expect(screen.page.locator(".toast")).to_have_count(0)


async def test_deleting_the_open_chat_leads_to_a_new_one_and_undo_leads_back(screen: Screen) -> None:
    line = await chat_with(screen, "Delete me while you read")
    address = screen.page.url
    await line.hover()
    await line.get_by_title("Delete", exact=True).click()
    await expect(screen.page).to_have_url(screen.base + "/")
    await expect(line).to_have_count(0)
    await screen.page.get_by_role("button", name="Undo").click()
    await expect(screen.page).to_have_url(address)
    await expect(screen.questions.locator(".bubble")).to_have_text("Delete me while you read")


async def test_chats_stand_under_the_day_they_were_used(screen: Screen) -> None:
    await chat_with(screen, "What day is it?")
    await expect(screen.page.locator(".chat-group").first.get_by_role("heading")).to_have_text("Today")
