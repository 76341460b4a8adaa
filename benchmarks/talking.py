"""Speech through its whole path: `python -m benchmarks.talking [--runs 5]`, with a Nitro and a Chromium of its own.

From the full stop of an answer's first sentence, when it arrives in the page, to the moment at which the loudspeaker is
given its sound; what the person says comes from a file, through Chromium's fake microphone. And a recording of 4 s over
HTTP, from its first byte to its transcript.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Browser, Page, async_playwright

from benchmarks.household import Household, Seat, household

RUNS = 5
PATIENCE = 120_000  # milliseconds
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUESTION = "Please write a letter to my mother."
LONG = "The train to the airport leaves at seven in the morning from the old station."
ANSWER = (
    "The harbour is quiet in the morning, and the boats lie still. Later the wind comes up from the south. "
    "By noon everybody is out on the water. In the evening they all come home again."
)
# When the first whole sentence of an answer arrives in the page, and when the first sound of it begins to play.
WATCH = r"""
window.heard = {};
const Plain = WebSocket;
window.WebSocket = class extends Plain {
  constructor(...rest) {
    super(...rest);
    let text = "";
    this.addEventListener("message", ({ data }) => {
      if (typeof data !== "string" || window.heard.stop) return;
      const frame = JSON.parse(data);
      if (frame.type !== "delta") return;
      text += frame.text;
      if (/\.\s/.test(text)) window.heard.stop = performance.now();
    });
  }
};
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (...rest) {
  window.heard.sound ??= performance.now() + (this.context.outputLatency || 0) * 1000;
  return start.apply(this, rest);
};
"""


def spoken(text: str, *, before: float, after: float) -> bytes:
    """The text as a WAV, with so many seconds of quiet around it."""
    from apps.voice import speaking
    from apps.voice.audio import Pcm, wav
    from apps.voice.providers.base import Utterance
    from apps.voice.providers.builtin import Espeak

    espeak = Espeak()
    said = speaking.spoken(espeak, Utterance(text))
    espeak.mouth.end()
    return wav(Pcm(bytes(round(said.rate * before) * 2) + said.data + bytes(round(said.rate * after) * 2), said.rate))


async def one_answer(browser: Browser, house: Household, seat: Seat) -> float:
    """Milliseconds from the full stop to the loudspeaker, in a conversation of its own."""
    name, _, value = seat.cookie.partition("=")
    context = await browser.new_context(permissions=["microphone"])
    context.set_default_timeout(PATIENCE)
    await context.add_cookies([{"name": name, "value": value, "url": f"http://127.0.0.1:{house.port}"}])
    await context.add_init_script(WATCH)
    page = await context.new_page()
    await page.goto(f"http://127.0.0.1:{house.port}/c/{seat.conversation}/")
    await page.locator("#hands-free").click()
    took = await first_sound(page)
    await context.close()
    return took


async def first_sound(page: Page) -> float:
    async with asyncio.timeout(PATIENCE / 1000):
        while not (heard := await page.evaluate("window.heard")).keys() >= {"stop", "sound"}:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return float(heard["sound"] - heard["stop"])


async def aloud(house: Household, runs: int) -> dict[str, float]:
    """The first answer warms the engines up, and is told apart."""
    chromium = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    assert chromium, f"No Chromium on PATH ({', '.join(BROWSERS)})."
    sound = house.home / "question.wav"
    sound.write_bytes(spoken(QUESTION, before=2, after=20))
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={sound}",
        "--autoplay-policy=no-user-gesture-required",
    ]  # fmt: skip
    seats = await asyncio.to_thread(house.seats, runs + 1)
    times = []
    async with async_playwright() as playwright:
        for number, seat in enumerate(seats):
            # Another text each time: the same one would come from the cache of clips, and the same file from its start.
            text = house.home / "answer.txt"
            text.write_text(f"This is answer number {number}: {ANSWER}", encoding="utf-8")
            await asyncio.to_thread(house.model, "--rate", "20", "--text", str(text))
            browser = await playwright.chromium.launch(executable_path=chromium, args=flags)
            times.append(await one_answer(browser, house, seat))
            await browser.close()
    warm = times[1:]
    return {"cold_ms": times[0], "median_ms": statistics.median(warm), "worst_ms": max(warm)}


async def over_http(house: Household, runs: int) -> dict[str, float]:
    """A file of 4 s, sent to OpenAI's address and to Nitro's own."""
    (key,) = await asyncio.to_thread(house.keys, 1)
    content = spoken(LONG, before=0, after=0)
    found: dict[str, float] = {}
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session:
        for name, path in (("v1", "/v1/audio/transcriptions"), ("api", "/api/voice/transcribe/")):
            times = [await sent(session, f"http://127.0.0.1:{house.port}{path}", content) for _ in range(runs + 1)]
            found |= {f"{name}_cold_s": times[0], f"{name}_median_s": statistics.median(times[1:])}
            found[f"{name}_worst_s"] = max(times[1:])
    return found


async def sent(session: aiohttp.ClientSession, url: str, content: bytes) -> float:
    form = aiohttp.FormData()
    form.add_field("file", content, filename="speech.wav", content_type="audio/wav")
    form.add_field("model", "whisper-1")
    began = time.perf_counter()
    async with session.post(url, data=form) as answer:
        told: Any = await answer.json()
        assert answer.status == 200, told
    assert told["text"], told
    return time.perf_counter() - began


def main() -> None:
    """Start everything, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.talking")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each figure, beside the first, which is told apart")
    runs = parser.parse_args().runs
    with household(workers=1) as house:
        os.environ |= {"NITRO_HOME": str(Path(house.home)), "DJANGO_SETTINGS_MODULE": "nitro.settings"}
        import django

        django.setup()
        for name, measured in (("a file over HTTP", over_http), ("from the full stop to the loudspeaker", aloud)):
            print(json.dumps({name: asyncio.run(measured(house, runs))}, indent=2), flush=True)


if __name__ == "__main__":
    main()
