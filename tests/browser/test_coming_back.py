"""Coming back: an answer belongs to the server, and no word of it is lost or doubled in any tab."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import NewScreen
from tests.browser.nitro_up import NitroUp
from tests.browser.screen import Screen, Watch, tokens

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


async def test_a_reload_in_mid_answer_shows_every_word_once(screen: Screen) -> None:
    await screen.begin("tokens-80")
    await screen.ask("Count.")
    for token in (10, 30, 50):
        await screen.wrote(token)
        await screen.page.reload()
    await screen.ended()
    assert await screen.text() == tokens(1, 80)
    await expect(screen.answers).to_have_count(1)


async def test_leaving_the_chat_does_not_end_the_answer(screen: Screen) -> None:
    conversation = await screen.begin("tokens-40")
    await screen.ask("Count.")
    await screen.wrote(5)
    await screen.home()
    await screen.open(conversation)
    await screen.ended()
    assert await screen.text() == tokens(1, 40)


async def test_a_second_tab_sees_the_same_answer_grow(screen: Screen) -> None:
    conversation = await screen.begin("tokens-60")
    other = Screen(await screen.context.new_page(), screen.base)
    await other.open(conversation)
    await expect(other.question).to_be_visible()
    await screen.ask("Count.")
    await other.wrote(10)
    await expect(other.last).to_have_attribute("data-state", "running")
    await other.ended()
    await screen.ended()
    assert await other.text() == await screen.text() == tokens(1, 60)
    await expect(other.questions).to_have_count(1)


async def test_another_browser_can_stop_the_answer(screen: Screen, new_screen: NewScreen) -> None:
    conversation = await screen.begin("tokens-2000")
    await screen.ask("Count.")
    await screen.wrote(3)
    other = await new_screen()
    await other.open(conversation)
    await other.wrote(10)
    await other.stop.click()
    for tab in (screen, other):
        await expect(tab.last.locator(".cut")).to_contain_text("Stopped.")
    assert await other.text() == await screen.text()


async def test_a_question_that_was_not_accepted_is_sent_again_after_a_reload(screen: Screen) -> None:
    await screen.begin("tokens-10")
    await screen.page.route_web_socket("**/ws/chat/**", lambda _: None)  # a server that hears nothing
    await screen.page.reload()
    await screen.ask("Is anybody there?")
    await expect(screen.questions).to_have_count(1)
    other = Screen(await screen.context.new_page(), screen.base)
    await other.open(screen.page.url.split("/c/")[1].strip("/"))
    await other.ended()
    assert await other.text() == tokens(1, 10)
    await other.page.reload()
    await expect(other.questions).to_have_count(1)


async def test_after_a_crash_of_the_server_the_answer_goes_on_where_it_was_cut(
    screen: Screen, nitro: NitroUp, watch: Watch
) -> None:
    await screen.begin("tokens-200")
    await screen.ask("Count.")
    await screen.wrote(20)
    for process in nitro.web_processes():
        process.kill()
    await expect(screen.last.locator(".cut")).to_contain_text("Interrupted")
    cut = len((await screen.text()).split())
    await screen.action("continue")
    await screen.wrote(cut + 20)
    await screen.stop.click()
    await expect(screen.last.locator(".cut")).to_contain_text("Stopped.")
    text = await screen.text()
    assert text == tokens(1, len(text.split()))
    watch.forgive("WebSocket connection to")
    watch.forgive("ERR_CONNECTION_REFUSED")
