"""A real Chromium, a real `nitro up`, and a watch on everything that goes wrong in a page."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, StorageState, async_playwright

from benchmarks.standin import StandIn
from tests.browser.nitro_up import NitroUp
from tests.browser.screen import PATIENCE, Screen, Watch
from tests.llm.ollama_server import OllamaServer

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run"
).split()
TOKENS_PER_SECOND = 40.0
NewScreen = Callable[..., Awaitable[Screen]]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser of this machine. Without one these tests are skipped, and say so; with CI set that is a failure."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is not None:
        return path
    missing = f"No Chromium on PATH ({', '.join(NAMES)}): the pages were NOT tested. `apt install chromium` brings one."
    if os.environ.get("CI"):
        pytest.fail(missing)
    warnings.warn(pytest.PytestWarning(missing), stacklevel=1)
    pytest.skip(missing)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def standin() -> AsyncIterator[StandIn]:
    """A model server whose words are numbered, at reading speed."""
    async with StandIn(rate=TOKENS_PER_SECOND) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ollama(chromium: str) -> AsyncIterator[OllamaServer]:
    """An Ollama from which models can be installed."""
    async with OllamaServer() as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nitro(chromium: str, standin: StandIn, ollama: OllamaServer) -> AsyncIterator[NitroUp]:
    """Nitro with its built-in model; chats can choose the numbered one."""
    settings = {"AI_MODEL": "builtin", "MAX_TOKENS": "120", "OPENAI_BASE_URL": standin.url}
    settings["OLLAMA_BASE_URL"] = ollama.url
    settings["RATE_LIMIT_CHAT"] = "6000/minute"
    async with NitroUp(settings) as up:
        yield up


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def signed_in(nitro: NitroUp, browser: Browser) -> StorageState:
    """The cookies of somebody who came in by the link that `nitro up` printed."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(nitro.link)
    state = await context.storage_state()
    await context.close()
    return state


@pytest_asyncio.fixture(loop_scope="session")
async def watch(nitro: NitroUp) -> AsyncIterator[Watch]:
    """Fails the test on any error that a page of it had."""
    watch = Watch(nitro.base)
    yield watch
    assert watch.wrong == []


@pytest_asyncio.fixture(loop_scope="session")
async def new_screen(
    nitro: NitroUp, browser: Browser, signed_in: StorageState, watch: Watch
) -> AsyncIterator[NewScreen]:
    """Opens a browser of somebody who is signed in: `await new_screen(viewport=…, color_scheme=…)`."""
    contexts = []

    async def open_one(**options: Any) -> Screen:
        context = await browser.new_context(storage_state=signed_in, **options)
        context.set_default_timeout(PATIENCE)
        context.on("page", watch.page)
        contexts.append(context)
        return Screen(await context.new_page(), nitro.base)

    yield open_one
    for context in contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def screen(new_screen: NewScreen) -> Screen:
    return await new_screen(viewport={"width": 1280, "height": 800})
