"""Looks and manners: small screens, dark rooms, keyboards, screen readers, and pages without any script."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import NewScreen
from tests.browser.screen import Screen, Watch, tokens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SCRIPT_NOT_LOADED = ".js: csp"  # how Chromium calls a module it did not fetch because scripts are switched off
PHONE = {"width": 390, "height": 844}
BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"
DARK, LIGHT = "rgb(18, 22, 21)", "rgb(251, 251, 249)"
FIRST_VISIT_BYTES = 100_000
FIRST_VISIT_REQUESTS = 50


async def test_on_a_phone_the_list_is_a_drawer(new_screen: NewScreen) -> None:
    screen = await new_screen(viewport=PHONE, has_touch=True, is_mobile=True)
    await screen.home()
    sidebar = screen.page.locator("#sidebar")
    await expect(sidebar).to_be_hidden()
    await screen.page.get_by_role("button", name="Chats", exact=True).tap()
    await expect(sidebar).to_be_visible()
    await screen.page.keyboard.press("Escape")
    await expect(sidebar).to_be_hidden()


async def test_on_a_phone_nothing_is_wider_than_the_screen(new_screen: NewScreen) -> None:
    screen = await new_screen(viewport=PHONE, has_touch=True, is_mobile=True)
    await screen.begin("tokens-40")
    await screen.ask("https://example.org/" + "very-long-" * 40)
    await screen.ended()
    assert await screen.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    box = await screen.question.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < PHONE["height"]


async def test_a_finger_brings_up_the_figures_of_an_answer(new_screen: NewScreen) -> None:
    screen = await new_screen(viewport=PHONE, has_touch=True, is_mobile=True)
    await screen.begin("tokens-5")
    await screen.ask("Count.")
    await screen.ended()
    await screen.last.locator(".meta").tap()
    await expect(screen.last.locator(".meta-figures")).to_contain_text("tokens")


@pytest.mark.parametrize(("scheme", "colour"), [("dark", DARK), ("light", LIGHT)])
async def test_the_page_follows_the_system_before_any_script_runs(
    new_screen: NewScreen, watch: Watch, scheme: str, colour: str
) -> None:
    screen = await new_screen(color_scheme=scheme, java_script_enabled=False)
    await screen.home()
    assert await screen.page.evaluate(BACKGROUND) == colour
    watch.forgive(SCRIPT_NOT_LOADED)


async def test_a_chosen_theme_is_in_the_page_from_its_first_byte(new_screen: NewScreen) -> None:
    screen = await new_screen(color_scheme="light")
    await screen.home()
    async with screen.page.expect_response("**/accounts/theme/"):
        await screen.page.get_by_role("button", name="Light or dark").click()
    assert await screen.page.evaluate(BACKGROUND) == DARK
    html = await (await screen.context.request.get(screen.base + "/")).text()
    assert 'data-theme="dark"' in html
    async with screen.page.expect_response("**/accounts/theme/"):
        await screen.page.get_by_role("button", name="Light or dark").click()
    assert await screen.page.evaluate(BACKGROUND) == LIGHT


async def test_history_can_be_read_without_script(screen: Screen, new_screen: NewScreen, watch: Watch) -> None:
    conversation = await screen.begin("tokens-12")
    await screen.ask("Count.")
    await screen.ended()
    plain = await new_screen(java_script_enabled=False)
    await plain.open(conversation)
    assert await plain.text() == tokens(1, 12)
    watch.forgive(SCRIPT_NOT_LOADED)


async def test_everything_can_be_done_by_keyboard(screen: Screen) -> None:
    await screen.begin("tokens-6")
    await screen.page.keyboard.press("Control+k")
    await expect(screen.page).to_have_url(screen.base + "/")
    await screen.page.wait_for_load_state("load")  # only then its scripts listen to keys
    await screen.page.keyboard.press("Tab")
    await screen.page.keyboard.press("/")
    await expect(screen.question).to_be_focused()
    await screen.page.keyboard.type("Hello, keyboard.")
    await screen.page.keyboard.press("Enter")
    await screen.ended()
    await screen.last.locator('[data-action="retry"]').focus()
    await screen.page.keyboard.press("Enter")
    await expect(screen.last.locator(".versions-count")).to_have_text("2/ of 2")


async def test_the_first_stop_of_tab_skips_to_the_content(screen: Screen) -> None:
    await screen.page.goto(screen.base + "/settings/")
    await screen.page.keyboard.press("Tab")
    await expect(screen.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await screen.page.keyboard.press("Enter")
    await expect(screen.page.locator("#main")).to_be_focused()


async def test_screen_readers_hear_the_end_and_not_every_word(screen: Screen) -> None:
    await screen.begin("tokens-30")
    await screen.ask("Count.")
    await screen.ended()
    announcer = screen.page.locator("#announcer")
    await expect(announcer).to_contain_text("Answer complete.")
    assert len(await announcer.locator("p").all()) <= 4


async def test_scrolling_up_lets_go_of_the_newest_words_and_a_button_leads_back(new_screen: NewScreen) -> None:
    screen = await new_screen(viewport={"width": 500, "height": 400})
    await screen.begin("tokens-2000")
    await screen.ask("Count.")
    await screen.wrote(150)
    await screen.page.mouse.move(250, 150)
    await screen.page.mouse.wheel(0, -400)
    jump = screen.page.get_by_role("button", name="Jump to the newest message")
    await expect(jump).to_be_visible()
    before = await screen.page.evaluate("scrollY")
    await screen.wrote(200)
    assert await screen.page.evaluate("scrollY") == before
    await jump.click()
    await expect(jump).to_be_hidden()
    await screen.stop.click()
    await screen.ended("stopped")


async def test_a_first_visit_loads_little(screen: Screen) -> None:
    """Everything on the wire: page, styles, scripts, icons, compressed."""
    session = await screen.context.new_cdp_session(screen.page)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    await screen.page.goto(screen.base + "/", wait_until="networkidle")
    assert sum(sizes) < FIRST_VISIT_BYTES
    assert len(sizes) <= FIRST_VISIT_REQUESTS
