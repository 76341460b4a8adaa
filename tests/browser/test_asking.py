"""Asking: words arrive one by one, waiting is told, stopping keeps what was said."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.screen import Screen, tokens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

COUNT_CHANGES = """
() => {
  window.lengths = [];
  const messages = document.getElementById("messages");
  const note = () => window.lengths.push([...messages.querySelectorAll(".prose")].at(-1)?.textContent.length ?? 0);
  new MutationObserver(note).observe(messages, { childList: true, subtree: true, characterData: true });
}
"""


async def test_a_real_model_answers_word_by_word(screen: Screen) -> None:
    await screen.home()
    await screen.page.evaluate(COUNT_CHANGES)
    await screen.ask("Write a long story about a lighthouse.")
    await screen.ended()
    lengths = set(await screen.page.evaluate("window.lengths"))
    assert len(lengths) > 5
    assert len(await screen.text()) > 40


async def test_every_token_is_shown_once_and_in_order(screen: Screen) -> None:
    await screen.begin("tokens-50")
    await screen.ask("Count.")
    await screen.ended()
    assert await screen.text() == tokens(1, 50)


async def test_a_new_chat_gets_its_address_title_and_place_in_the_list(screen: Screen) -> None:
    await screen.home()
    await screen.ask("Say hello to the lighthouse keeper.")
    await expect(screen.page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}/$"))
    await expect(screen.chats.first.locator("[aria-current=page]")).to_have_text(re.compile("lighthouse keeper"))
    await expect(screen.page).to_have_title(re.compile("lighthouse keeper"))
    await screen.ended()


async def test_an_example_is_asked_with_one_click(screen: Screen) -> None:
    await screen.home()
    await screen.page.locator(".example").first.click()
    await expect(screen.questions.first).to_contain_text("thank-you note")
    await screen.ended()


async def test_waiting_for_the_model_is_told(screen: Screen) -> None:
    await screen.begin("hang")
    await screen.ask("Anybody there?")
    await expect(screen.last.locator(".phase-text")).to_have_text("Reading…")
    await screen.stop.click()
    await expect(screen.last).to_contain_text("Stopped before the first word.")


async def test_the_stop_button_keeps_the_words_already_said(screen: Screen) -> None:
    await screen.begin("tokens-2000")
    await screen.ask("Count.")
    await screen.wrote(15)
    await screen.stop.click()
    await expect(screen.last.locator(".cut")).to_contain_text("Stopped.")
    text = await screen.text()
    assert text == tokens(1, len(text.split()))
    await screen.page.reload()
    assert await screen.text() == text


async def test_escape_stops_the_answer(screen: Screen) -> None:
    await screen.begin("tokens-2000")
    await screen.ask("Count.")
    await screen.wrote(5)
    await screen.page.keyboard.press("Escape")
    await expect(screen.last.locator(".cut")).to_contain_text("Stopped.")
    await expect(screen.stop).to_be_hidden()


async def test_shift_and_enter_make_a_new_line(screen: Screen) -> None:
    await screen.begin("tokens-3")
    await screen.question.fill("one")
    await screen.question.press("Shift+Enter")
    await screen.question.press_sequentially("two")
    await expect(screen.question).to_have_value("one\ntwo")
    await screen.question.press("Enter")
    await expect(screen.questions.first.locator(".bubble")).to_have_text("one\ntwo", use_inner_text=True)
    await screen.ended()


async def test_a_draft_survives_a_reload(screen: Screen) -> None:
    await screen.begin("tokens-3")
    await screen.question.press_sequentially("half a thou")
    await screen.page.reload()
    await expect(screen.question).to_have_value("half a thou")
    await screen.home()
    await expect(screen.question).to_have_value("")


async def test_questions_asked_meanwhile_wait_and_are_sent_one_after_the_other(screen: Screen) -> None:
    await screen.begin("tokens-30")
    await screen.ask("first")
    await screen.wrote(1)
    await screen.ask("second")
    await screen.ask("third")
    await screen.ask("never")
    await screen.queued.nth(2).get_by_label("Remove this question").click()
    await screen.queued.nth(1).get_by_label("Edit this question").click()
    await screen.page.get_by_label("Waiting question").fill("third, but better")
    await screen.page.get_by_label("Waiting question").press("Enter")
    await expect(screen.queued).to_have_count(2)
    await expect(screen.questions.locator(".bubble")).to_have_text(["first", "second", "third, but better"])
    await screen.ended()
    await expect(screen.answers).to_have_count(3)
    await expect(screen.queued).to_have_count(0)


async def test_a_failure_says_how_to_repair_it_and_can_be_retried(screen: Screen) -> None:
    await screen.begin("error-at-4")
    await screen.ask("Count.")
    problem = screen.last.locator(".problem")
    await expect(problem.locator(".problem-message")).not_to_be_empty()
    await expect(screen.stop).to_be_hidden()
    await problem.get_by_role("button", name="Try again").click()
    await screen.ended("failed")
    await expect(screen.last.locator(".versions-count")).to_contain_text("2")


async def test_figures_of_an_answer_appear_when_its_line_has_the_focus(screen: Screen) -> None:
    await screen.begin("tokens-5")
    await screen.ask("Count.")
    await screen.ended()
    figures = screen.last.locator(".meta-figures")
    await expect(figures).to_be_hidden()
    await screen.last.locator(".meta").focus()
    await expect(figures).to_contain_text("first word")


async def test_an_answer_is_copied_as_it_was_written(screen: Screen) -> None:
    await screen.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await screen.begin("tokens-5")
    await screen.ask("Count.")
    await screen.ended()
    await screen.action("copy-answer")
    await expect(screen.last.locator('[data-action="copy-answer"] use')).to_have_attribute("href", "#icon-check")
    copied = await screen.page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == tokens(1, 5)


async def test_an_answer_is_copied_too_where_the_browser_has_no_clipboard(screen: Screen) -> None:
    """As on pages over plain http from another machine."""
    await screen.page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await screen.begin("tokens-5")
    await screen.ask("Count.")
    await screen.ended()
    await screen.action("copy-answer")
    await expect(screen.last.locator('[data-action="copy-answer"] use')).to_have_attribute("href", "#icon-check")
