"""Recordings on the page of speech, in a real browser: from a file to words with their times."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.screen import Screen
from tests.voice.recordings import recording

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_recording_is_sent_and_read_with_its_times(screen: Screen, tmp_path: Path) -> None:
    page = screen.page
    wrong, right = tmp_path / "page.mp3", tmp_path / "A letter.m4a"
    wrong.write_bytes(b"<html>no sound at all</html>")
    right.write_bytes(recording("m4a"))
    await page.goto(screen.base + "/voice/")
    problem = page.locator("#upload-problem")
    await page.locator("#recording").set_input_files(wrong)
    await expect(problem).to_contain_text("not a recording that Nitro can read")
    await page.locator("#recording").set_input_files(right)
    card = page.locator(".recording", has_text="A letter.m4a")
    await expect(card).to_be_visible()
    await expect(problem).to_be_empty()

    # Whoever looks before it is written down sees the words come by themselves.
    await card.get_by_role("link").click()
    await expect(page.locator(".line").first).to_contain_text("letter")
    await page.get_by_role("button", name="Play from 0:00").click()
    await expect(page.locator(".line").first).to_have_attribute("data-now", "")
    await page.get_by_role("link", name="All recordings").click()
    await card.get_by_role("button", name=re.compile("Delete")).click()
    await expect(card).to_have_count(0)
