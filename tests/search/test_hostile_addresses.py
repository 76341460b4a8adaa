"""Addresses that want to get inside, brought by a person, by an engine and by a page: a canary counts zero visits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from apps.accounts.models import User
from apps.search.answering import reply
from apps.search.finding import Wanted
from apps.search.values import Result, State
from tests.core.outside.servers import Local, local, onward
from tests.core.outside.test_door import SPELLINGS
from tests.search.web import QUESTION, Stub

pytestmark = pytest.mark.django_db(transaction=True)
Engines = Callable[..., None]


@pytest_asyncio.fixture
async def canary() -> AsyncIterator[Local]:
    async with local() as server:
        yield server
        assert server.hits == 0


def spelled(canary: Local) -> list[str]:
    return [spelling.format(port=canary.port) for spelling in SPELLINGS]


async def test_a_person_cannot_name_them(alice: User, canary: Local, ask_engines: Engines) -> None:
    got = await reply(user=alice, wanted=Wanted(QUESTION, tuple(spelled(canary))), answer=False)
    assert {source.page.state for source in got.findings.sources} == {State.REFUSED}


async def test_an_engine_cannot_bring_them(alice: User, canary: Local, ask_engines: Engines) -> None:
    for spelling in spelled(canary):
        ask_engines(Stub([Result(spelling, "Inside", "A snippet")]))
        got = await reply(user=alice, wanted=Wanted(f"{QUESTION} {spelling}"), answer=False)
        assert not got.findings.read


async def test_a_page_cannot_lead_to_them(alice: User, site: Local, canary: Local, ask_engines: Engines) -> None:
    targets = [one for one in spelled(canary) if not one.startswith("http:1")]
    for number, target in enumerate(targets):
        site.answers[f"/lure{number}"] = onward(target)
    urls = tuple(site.url(f"/lure{number}") for number in range(len(targets)))
    got = await reply(user=alice, wanted=Wanted(QUESTION, urls), answer=False)
    assert State.READ not in {source.page.state for source in got.findings.sources}


async def test_robots_txt_cannot_lead_to_them(alice: User, site: Local, canary: Local, ask_engines: Engines) -> None:
    site.answers["/robots.txt"] = onward(canary.url())
    got = await reply(user=alice, wanted=Wanted(QUESTION, (site.url("/bridge"),)), answer=False)
    assert [source.page.state for source in got.findings.sources] == [State.REFUSED]
