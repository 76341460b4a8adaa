"""What `nitro doctor` says of web search."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from apps.core.diagnosis import Finding
from apps.search import diagnosis
from tests.core.knocked import knocked


def told(settings: Settings, **values: object) -> list[Finding]:
    for name, value in {"SEARXNG_URL": "", "BRAVE_API_KEY": "", "GEMINI_API_KEY": "", **values}.items():
        setattr(settings, name, value)
    return diagnosis.examine()


def test_the_order_of_the_engines_is_told(settings: Settings) -> None:
    (found,) = told(settings, SEARCH_ENGINE="auto", BRAVE_API_KEY="x")
    assert (found.ok, found.message) == (True, "Web search asks Brave, then DuckDuckGo, then your own library.")
    assert told(settings, SEARCH_ENGINE="library")[0].message == "Web search asks your own library."


@pytest.mark.parametrize(
    ("engine", "setting"), [("brave", "BRAVE_API_KEY"), ("searxng", "SEARXNG_URL"), ("gemini", "GEMINI_API_KEY")]
)
def test_an_engine_that_was_chosen_and_not_set_up_is_said(settings: Settings, engine: str, setting: str) -> None:
    (found,) = told(settings, SEARCH_ENGINE=engine)
    assert not found.ok
    assert setting in found.message
    assert setting in found.hint


def test_a_searxng_is_asked_no_question(settings: Settings) -> None:
    with knocked(400) as server:
        (found,) = told(settings, SEARCH_ENGINE="searxng", SEARXNG_URL=server.url)
        assert server.seen == [("/search?format=json", "")]
    assert found.ok


def test_a_searxng_that_lets_no_programs_search_is_told_how(settings: Settings) -> None:
    with knocked(403) as server:
        _, found = told(settings, SEARCH_ENGINE="auto", SEARXNG_URL=server.url)
    assert (found.ok, found.needed) == (False, False)
    assert "search.formats" in found.hint


def test_a_searxng_that_is_away_is_named_with_its_setting(settings: Settings) -> None:
    _, found = told(settings, SEARCH_ENGINE="auto", SEARXNG_URL="http://127.0.0.1:9")
    assert "Connection refused" in found.message
    assert "SEARXNG_URL" in found.hint
