"""The page of the API as somebody tries things on it: JSON, forms with files, and what comes back."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from playwright.async_api import Locator, expect

from tests.browser.conftest import NewScreen
from tests.browser.screen import Screen, Watch

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
PHONE = {"width": 390, "height": 844}


def teal() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(out, "PNG")
    return out.getvalue()


async def opened(screen: Screen, method: str, path: str) -> Locator:
    """One operation, unfolded on the page."""
    await screen.page.goto(f"{screen.base}/api/docs/")
    found = screen.page.locator(f'details:has(form[data-method="{method}"][data-path="{path}"])')
    await found.locator("summary").click()
    return found


async def tried(operation: Locator, status: int) -> Locator:
    await operation.get_by_role("button", name="Try it").click()
    await expect(operation.locator(".outcome p")).to_have_text(re.compile(rf"^{status} .*"))
    return operation.locator(".outcome")


async def test_the_example_in_json_is_sent_as_it_stands(screen: Screen) -> None:
    outcome = await tried(await opened(screen, "POST", "/api/conversations/"), 201)
    await expect(outcome.locator("code")).to_contain_text('"title": "Bread"')


async def test_a_file_is_sent_as_a_form_and_comes_back_to_be_looked_at(screen: Screen) -> None:
    form = await opened(screen, "POST", "/api/attachments/")
    await form.get_by_label("file").set_input_files({"name": "teal.png", "mimeType": "image/png", "buffer": teal()})
    outcome = await tried(form, 201)
    said = await outcome.locator("code").inner_text()
    found = re.search(r'"id": "([0-9a-f-]{36})"', said)
    assert found is not None, said
    looked = await opened(screen, "GET", "/api/attachments/{attachment_id}/file/")
    await looked.get_by_label("attachment_id").fill(found[1])
    picture = (await tried(looked, 200)).get_by_role("img")
    await expect(picture).to_have_js_property("naturalWidth", 40)


async def test_without_the_file_that_is_needed_nothing_is_sent(screen: Screen) -> None:
    form = await opened(screen, "POST", "/api/voice/transcribe/")
    await form.get_by_role("button", name="Try it").click()
    await expect(form.locator(".outcome")).to_be_hidden()


async def test_speech_comes_back_to_be_heard(screen: Screen) -> None:
    form = await opened(screen, "POST", "/api/voice/speak/")
    await form.get_by_label("Body as JSON").fill('{"text": "Bread.", "format": "wav"}')
    outcome = await tried(form, 200)
    await expect(outcome.locator("audio")).to_have_attribute("src", re.compile("^blob:"))


async def test_what_is_refused_is_shown_with_its_hint(screen: Screen, watch: Watch) -> None:
    form = await opened(screen, "GET", "/api/conversations/{conversation_id}/")
    await form.get_by_label("conversation_id").fill("00000000-0000-4000-8000-000000000000")
    outcome = await tried(form, 404)
    await expect(outcome.locator("code")).to_contain_text('"hint"')
    watch.forgive("404 (Not Found)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_field_has_a_name_and_nothing_is_wider_than_a_phone(new_screen: NewScreen, scheme: str) -> None:
    screen = await new_screen(viewport=PHONE, color_scheme=scheme)
    await screen.page.goto(f"{screen.base}/api/docs/")
    await screen.page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert await screen.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    nameless = "[...document.querySelectorAll('main :is(input, textarea)')].filter((one) => !one.labels.length).length"
    assert await screen.page.evaluate(nameless) == 0
