"""Talking with Nitro: a fake microphone asks, the page hears, the answer is spoken, and can be interrupted."""

from __future__ import annotations

import asyncio
import re
from array import array
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, StorageState, async_playwright, expect

from apps.voice import speaking
from apps.voice.audio import BYTES_PER_SECOND, RATE, Pcm, wav
from apps.voice.providers.base import Utterance
from apps.voice.providers.builtin import Espeak
from tests.browser.conftest import ARGUMENTS
from tests.browser.nitro_up import NitroUp
from tests.browser.screen import PATIENCE, Screen, Watch

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

HEARD = """
window.played = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (...rest) {
  const samples = this.buffer.getChannelData(0);
  window.played.push({ seconds: this.buffer.duration, peak: samples.reduce((a, b) => Math.max(a, Math.abs(b)), 0) });
  return start.apply(this, rest);
};
"""
OPENED = """
window.opened = [];
const ask = navigator.mediaDevices?.getUserMedia;
if (ask) navigator.mediaDevices.getUserMedia = async function (wishes) {
  const stream = await ask.call(this, wishes);
  window.opened.push(...stream.getTracks());
  return stream;
};
"""
# The recorder's script comes only when the test says so, as through a slow network.
DELAYED = """
const arrived = new Promise((resolve) => (window.arrive = resolve));
const add = window.AudioWorklet?.prototype.addModule;
if (add) AudioWorklet.prototype.addModule = async function (...rest) {
  await arrived;
  return add.apply(this, rest);
};
"""
SLOW = 2.0  # seconds: longer than the quiet before the question
LOUD = 1500  # of the 32,767 that a sample can be


def question_file(folder: Path) -> Path:
    """A spoken question between two silences, as a microphone would hear it."""
    espeak = Espeak()
    try:
        said = speaking.spoken(espeak, Utterance("Please write a letter to my mother."))
    finally:
        espeak.mouth.end()
    silence = bytes(said.rate * 2)
    path = folder / "question.wav"
    path.write_bytes(wav(Pcm(silence + said.data + silence * 20, said.rate)))
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hearing_browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser whose microphone plays the question, again and again."""
    sound = question_file(tmp_path_factory.mktemp("voice"))
    flags = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}",
        "--autoplay-policy=no-user-gesture-required",
    ]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS, *flags])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def talking(
    nitro: NitroUp, hearing_browser: Browser, signed_in: StorageState, watch: Watch
) -> AsyncIterator[Screen]:
    context = await hearing_browser.new_context(storage_state=signed_in, permissions=["microphone"])
    context.set_default_timeout(PATIENCE)
    context.on("page", watch.page)
    await context.add_init_script(HEARD + OPENED)
    yield Screen(await context.new_page(), nitro.base)
    await context.close()


async def loudest(screen: Screen) -> float:
    """The loudest sample that the page has played, once it has played something."""
    async with asyncio.timeout(PATIENCE / 1000):
        while not (played := await screen.page.evaluate("window.played")):
            await asyncio.sleep(0.05)
    return max(float(sound["peak"]) for sound in played)


async def test_a_spoken_question_is_answered_aloud(talking: Screen) -> None:
    await talking.begin("tokens-60")
    await talking.page.locator("#hands-free").click()
    # The microphone asks again and again: a busy machine may mishear it once.
    await expect(talking.questions.filter(has_text="please").first).to_be_visible()
    await expect(talking.page.locator("#voice-status")).to_have_attribute("data-state", "speaking")
    assert await loudest(talking) > 0.05
    await expect(talking.last).to_have_attribute("data-state", "done")
    await talking.page.locator("#hands-free").click()


async def test_a_voice_that_an_administrator_closed_speaks_again_at_the_next_press(talking: Screen) -> None:
    page, button = talking.page, talking.page.locator("#hands-free")
    await talking.begin("tokens-5")
    await button.click()
    await expect(page.locator("#voice-status")).to_have_attribute("data-state", "free")
    office = await page.context.new_page()
    await office.goto(f"{talking.base}/admin/sessions/")
    row = office.get_by_role("row").filter(has_text="voice")
    await row.get_by_role("button", name="Close").click()
    await expect(page.locator(".toast")).to_contain_text("An administrator closed the voice connection.")
    await expect(button).to_have_attribute("aria-pressed", "false")
    await expect(row).to_have_count(0)
    await button.click()
    await expect(row).to_have_count(1)
    await expect(button).to_have_attribute("aria-pressed", "true")
    await button.click()
    await office.close()


def quiet_before(samples: bytes) -> float:
    """Seconds before the first sound that is not quiet."""
    found = array("h", samples)
    return next((place for place, value in enumerate(found) if abs(value) > LOUD), len(found)) / RATE


def kept(sounds: list[bytes], frame: str | bytes) -> None:
    """Keep the sound that the page sends."""
    if isinstance(frame, bytes):
        sounds.append(frame)


async def test_nothing_is_lost_while_the_recorder_is_loading(talking: Screen) -> None:
    sent: list[bytes] = []
    keep = partial(kept, sent)
    talking.page.on("websocket", lambda socket: socket.on("framesent", keep))
    await talking.page.add_init_script(DELAYED)
    await talking.begin("tokens-5")
    await talking.page.locator("#speak").press("Enter")
    status = talking.page.locator("#voice-status")
    await expect(status).to_have_attribute("data-state", "opening")
    await asyncio.sleep(SLOW)
    assert await talking.page.evaluate("window.opened.length") == 0
    await talking.page.evaluate("window.arrive()")
    await expect(status).to_have_attribute("data-state", "hold")
    async with asyncio.timeout(PATIENCE / 1000):
        while len(sound := b"".join(sent)) < 4 * BYTES_PER_SECOND:
            await asyncio.sleep(0.05)
    # The quiet of the file from before its question was heard too, and then the question.
    assert 0.3 < quiet_before(sound) < 3


async def test_a_microphone_that_is_not_wanted_any_more_does_not_stay_open(talking: Screen) -> None:
    await talking.page.add_init_script(DELAYED)
    await talking.begin("tokens-5")
    free, status = talking.page.locator("#hands-free"), talking.page.locator("#voice-status")
    await free.click()
    await expect(status).to_have_attribute("data-state", "opening")
    await free.click()
    await expect(status).to_have_attribute("data-state", "off")
    await talking.page.evaluate("window.arrive()")
    await asyncio.sleep(SLOW)
    assert await talking.page.evaluate("window.opened.every((track) => track.readyState === 'ended')")
    await free.click()
    await expect(status).to_have_attribute("data-state", "free")
    await free.click()
    assert await talking.page.evaluate("window.opened.every((track) => track.readyState === 'ended')")


async def test_escape_silences_the_voice_and_leaves_the_answer(talking: Screen) -> None:
    await talking.begin("tokens-2000")
    await talking.page.locator("#hands-free").click()
    status = talking.page.locator("#voice-status")
    await expect(status).to_have_attribute("data-state", "speaking")
    await talking.page.locator("#hands-free").click()
    await talking.page.keyboard.press("Escape")
    await expect(status).to_have_attribute("data-state", "off")
    await expect(talking.last).to_have_attribute("data-state", "running")
    await talking.stop.click()


async def test_what_is_said_with_the_button_pressed_is_sent_when_it_is_let_go(talking: Screen) -> None:
    await talking.begin("tokens-5")
    speak = talking.page.locator("#speak")
    await speak.focus()
    await talking.page.keyboard.press("Enter")
    await expect(speak).to_have_attribute("aria-pressed", "true")
    await expect(talking.question).to_have_value(re.compile("please"))
    await speak.press("Enter")
    await expect(talking.questions.first.locator(".bubble")).to_contain_text("please")
    await expect(speak).to_have_attribute("aria-pressed", "false")


async def test_escape_takes_back_what_was_said(talking: Screen) -> None:
    await talking.begin("tokens-5")
    await talking.page.locator("#speak").press("Enter")
    await expect(talking.question).to_have_value(re.compile("please"))
    await talking.page.keyboard.press("Escape")
    await expect(talking.question).to_have_value("")
    await expect(talking.questions).to_have_count(0)


async def test_any_answer_can_be_read_aloud(talking: Screen) -> None:
    await talking.begin("tokens-8")
    await talking.ask("Count.")
    await talking.ended()
    await talking.action("read-aloud")
    assert await loudest(talking) > 0.05
    await expect(talking.page.locator("#voice-status")).to_have_attribute("data-state", "off")
