"""A model is installed from the page, and every open tab sees how far it is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from tests.browser.conftest import NewScreen
from tests.browser.screen import Screen, Watch
from tests.llm.ollama_server import OllamaServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def slow(ollama: OllamaServer) -> AsyncIterator[OllamaServer]:
    """An Ollama that stops at a quarter of every model."""
    quarter = {"status": "pulling aa", "digest": "sha256:aa", "total": 2_000_000_000, "completed": 500_000_000}
    ollama.script = [quarter, {"status": "success"}]
    ollama.loading.clear()
    yield ollama
    ollama.script = []
    ollama.loading.set()


async def opened(screen: Screen) -> Locator:
    """The part of the list of models that shows what is being installed."""
    await screen.page.locator("#model-button").click()
    await expect(screen.page.get_by_role("combobox", name="Find a model")).to_be_visible()
    return screen.page.locator(".pulls")


@pytest.mark.slow
async def test_every_tab_sees_the_same_progress_and_can_stop_it(new_screen: NewScreen, slow: OllamaServer) -> None:
    in_a_chat, elsewhere = await new_screen(), await new_screen()
    await in_a_chat.begin("tokens-3")
    await elsewhere.home()
    tabs = [await opened(in_a_chat), await opened(elsewhere)]
    await tabs[0].get_by_label("Name of a model to install").fill("llama3.2")
    await tabs[0].get_by_role("button", name="Install").click()
    for tab in tabs:
        await expect(tab.locator(".pull-name")).to_have_text("llama3.2")
        await expect(tab.locator(".pull-state")).to_have_text("500 of 2,000 MB")
    await tabs[1].get_by_role("button", name="Stop installing").click()
    for tab in tabs:
        await expect(tab.locator(".pull")).to_have_count(0)


async def test_a_model_that_has_come_is_in_the_list(screen: Screen, ollama: OllamaServer) -> None:
    await screen.home()
    tab = await opened(screen)
    await tab.get_by_label("Name of a model to install").fill("newcomer")
    await tab.get_by_role("button", name="Install").click()
    await expect(screen.page.locator(".model-title", has_text="newcomer")).to_be_visible()


async def test_a_name_that_no_model_has_is_told_in_place(screen: Screen, watch: Watch) -> None:
    await screen.home()
    tab = await opened(screen)
    await tab.get_by_label("Name of a model to install").fill("no such name")
    await tab.get_by_role("button", name="Install").click()
    await expect(tab.locator(".pulls-problem")).to_contain_text("No model has a name like that.")
    watch.forgive("400")
