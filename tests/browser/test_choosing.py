"""Who answers and how: models, a chat's settings, the gauge, thoughts, pictures, and finding it all again."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.async_api import FilePayload, expect

from tests.browser.conftest import NewScreen
from tests.browser.screen import Screen, tokens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PHONE = {"width": 390, "height": 844}
PUT_INTO_CLIPBOARD = """async () => {
  const canvas = new OffscreenCanvas(40, 30);
  canvas.getContext("2d").fillRect(0, 0, 20, 20);
  const file = new File([await canvas.convertToBlob()], "pasted.png", { type: "image/png" });
  const data = new DataTransfer();
  data.items.add(file);
  const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.getElementById("question").dispatchEvent(paste);
}"""


def picture() -> FilePayload:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(out, "PNG")
    return {"name": "teal.png", "mimeType": "image/png", "buffer": out.getvalue()}


async def choose(screen: Screen, words: str) -> None:
    """Take the first model that fits these words, by keyboard alone."""
    button = screen.page.locator("#model-button")
    await button.focus()
    await screen.page.keyboard.press("Enter")
    await expect(screen.page.get_by_role("combobox", name="Find a model")).to_be_focused()
    await screen.page.keyboard.type(words)
    await screen.page.keyboard.press("Enter")
    await expect(screen.page.locator("#models")).to_be_hidden()
    await expect(button).to_be_focused()


async def test_a_model_is_chosen_by_keyboard_and_kept(screen: Screen) -> None:
    await screen.begin("tokens-3")
    name = screen.page.locator(".model-name")
    await expect(name).to_have_text("tokens-3")
    await choose(screen, "stand-in")
    await expect(name).to_have_text("stand-in")
    await screen.page.reload()
    await expect(name).to_have_text("stand-in")


async def test_the_list_is_walked_through_and_left_by_keyboard(screen: Screen) -> None:
    await screen.home()
    await screen.page.locator("#model-button").press("Enter")
    search = screen.page.get_by_role("combobox", name="Find a model")
    await expect(search).to_be_focused()
    options = screen.page.get_by_role("option")
    await expect(options.first).to_be_visible()
    await search.press("End")
    last = await options.last.get_attribute("id")
    await expect(search).to_have_attribute("aria-activedescendant", str(last))
    await search.press("ArrowDown")
    first = await options.first.get_attribute("id")
    await expect(search).to_have_attribute("aria-activedescendant", str(first))
    await search.fill("no model is called that")
    await expect(options).to_have_count(0)
    await search.press("Escape")
    await expect(screen.page.locator("#models")).to_be_hidden()


async def test_the_list_fits_a_phone(new_screen: NewScreen) -> None:
    screen = await new_screen(viewport=PHONE, has_touch=True, is_mobile=True)
    await screen.home()
    await screen.page.locator("#model-button").tap()
    await expect(screen.page.get_by_role("option").first).to_be_visible()
    box = await screen.page.locator("#models").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    assert await screen.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_settings_are_kept_and_followed(screen: Screen) -> None:
    await screen.begin("tokens-3")
    await screen.page.get_by_role("button", name="Settings of this chat").click()
    await screen.page.get_by_label("Temperature").fill("9")
    await screen.page.get_by_role("button", name="Save").click()
    await expect(screen.page.locator(".sheet .error")).to_contain_text("from 0 to 2")
    await screen.page.get_by_label("Temperature").fill("0.25")
    await screen.page.get_by_label("How to answer in this chat").fill("Answer as a pirate.")
    await screen.page.get_by_role("button", name="Save").click()
    await expect(screen.page.locator("#chat-settings")).to_be_hidden()
    await screen.page.reload()
    await screen.page.get_by_role("button", name="Settings of this chat").click()
    await expect(screen.page.get_by_label("Temperature")).to_have_value("0.25")
    await expect(screen.page.get_by_label("How to answer in this chat")).to_have_value("Answer as a pirate.")


async def test_settings_can_be_chosen_before_a_chat_begins(screen: Screen) -> None:
    await screen.home()
    await choose(screen, "stand-in")
    await screen.page.get_by_role("button", name="Settings of this chat").click()
    await screen.page.get_by_label("Longest answer").fill("77")
    await screen.page.get_by_role("button", name="Save").click()
    await expect(screen.page.locator("#chat-settings")).to_be_hidden()
    await screen.ask("Count.")
    await screen.ended()
    await screen.page.reload()
    await expect(screen.page.locator(".model-name")).to_have_text("stand-in")
    await screen.page.get_by_role("button", name="Settings of this chat").click()
    await expect(screen.page.get_by_label("Longest answer")).to_have_value("77")


@pytest.mark.slow
async def test_the_gauge_fills_and_warns_before_anything_is_left_out(screen: Screen) -> None:
    await screen.begin("tokens-300")
    gauge = screen.page.get_by_role("meter")
    await expect(gauge).to_be_hidden()
    await screen.ask("Tell me more. " * 150)
    await screen.ended()
    await expect(gauge).to_be_visible()
    before = int(str(await gauge.get_attribute("aria-valuenow")))
    warning = screen.page.locator("#context-warning")
    await expect(warning).to_be_hidden()
    await screen.question.fill("word " * 4300)
    await expect(warning).to_contain_text("oldest messages will be left out")
    assert int(str(await gauge.get_attribute("aria-valuenow"))) > before
    await screen.question.fill("word " * 20_000)
    await expect(warning).to_contain_text("This question is longer")
    await screen.question.fill("")
    await screen.page.reload()
    await expect(gauge).to_have_attribute("aria-valuenow", str(before))


async def test_thoughts_are_folded_while_they_come_and_afterwards(screen: Screen) -> None:
    await screen.begin("thinks-20")
    await screen.ask("Count, but think first.")
    thoughts = screen.last.locator(".thoughts")
    await expect(thoughts).to_be_visible()
    await expect(thoughts.locator(".thoughts-text")).to_be_hidden()
    await screen.ended()
    assert await screen.text() == tokens(1, 20)
    await thoughts.locator("summary").click()
    await expect(thoughts.locator(".thoughts-text")).to_have_text(tokens(1, 20))
    await screen.page.reload()
    await expect(thoughts.locator(".thoughts-text")).to_be_hidden()
    await thoughts.locator("summary").click()
    await expect(thoughts.locator(".thoughts-text")).to_have_text(tokens(1, 20))


async def test_a_picture_is_put_beside_a_question_and_shown_with_it(screen: Screen) -> None:
    await screen.begin("tokens-3")
    await screen.page.locator("#attach-files").set_input_files([picture()])
    chip = screen.page.locator(".attached[data-id]")
    await expect(chip).to_have_count(1)
    await screen.page.reload()
    await expect(chip).to_have_count(1)
    await screen.ask("What is this?")
    await screen.ended()
    await expect(chip).to_have_count(0)
    shown = screen.questions.last.locator(".picture img")
    await expect(shown).to_be_visible()
    await screen.page.reload()
    await expect(shown).to_be_visible()
    assert await shown.evaluate("image => image.naturalWidth") == 60


async def test_a_picture_is_pasted_and_taken_back(screen: Screen) -> None:
    await screen.begin("tokens-3")
    await screen.page.evaluate(PUT_INTO_CLIPBOARD)
    chip = screen.page.locator(".attached[data-id]")
    await expect(chip).to_have_count(1)
    await chip.get_by_role("button", name="Remove pasted.png").click()
    await expect(chip).to_have_count(0)
    await expect(screen.question).to_be_focused()


async def test_a_model_that_cannot_see_says_so(screen: Screen) -> None:
    await screen.home()
    await choose(screen, "nitro itself")
    await screen.page.locator("#attach-files").set_input_files([picture()])
    await expect(screen.page.locator(".attached[data-id]")).to_have_count(1)
    await screen.ask("What is this?")
    await screen.ended("failed")
    await expect(screen.last.locator(".problem-message")).to_contain_text("cannot see pictures")


async def test_a_word_said_long_ago_is_found_and_shown(screen: Screen) -> None:
    conversation = await screen.begin("tokens-3")
    await screen.ask("Where do capybaras live?")
    await screen.ended()
    await screen.home()
    await screen.page.get_by_role("searchbox", name="Search your chats").fill("capyb")
    found = screen.page.locator(".found")
    await expect(found).to_have_count(1)
    await expect(found.locator("mark")).to_have_text("capyb")
    await found.locator("a").click()
    await screen.page.wait_for_url(f"**/c/{conversation}/**")
    await expect(screen.questions.first).to_be_in_viewport()


async def test_a_pinned_chat_stays_at_the_top(screen: Screen) -> None:
    conversation = await screen.begin("tokens-3")
    await screen.ask("Keep this at hand.")
    await screen.ended()
    item = screen.page.locator(f"#chat-{conversation}")
    await item.hover()
    await item.get_by_role("button", name="Pin").click()
    await expect(screen.page.locator('[data-label="Pinned"]')).to_contain_text("Keep this at hand")
    await item.hover()
    await item.get_by_role("button", name="Pin").click()
    await expect(screen.page.locator('[data-label="Pinned"]')).to_have_count(0)
