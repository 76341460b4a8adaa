"""Reading pages: side by side, within a budget, once for equal wishes, and only where the site agrees."""

from __future__ import annotations

import asyncio

import pytest

from apps.search import keeping, reading
from apps.search.reading import page_read, pages_read
from apps.search.values import Page, Result, State, Step
from tests.core.outside.servers import Local, page
from tests.search.web import BRIDGE, after, article, found

pytestmark = pytest.mark.django_db(transaction=True)


def nothing(_: Step) -> None:
    """Nobody listens."""


async def read(site: Local, name: str) -> Page:
    return await page_read(Result(site.url(f"/{name}"), f"Result {name}"))


@pytest.mark.parametrize(
    ("name", "state", "part"),
    [
        ("bridge", State.READ, "4 May 1931"),
        ("german", State.READ, "Brücke von Tarrow wurde 1931 eröffnet"),
        ("text", State.READ, "nine arches"),
        ("moved", State.READ, "three million crowns"),
        ("closed", State.FORBIDDEN, "asks programs not to"),
        ("closed/open", State.EMPTY, "no text"),
        ("broken", State.FAILED, "500"),
        ("binary", State.FAILED, "octet-stream"),
        ("inside", State.REFUSED, "from port 1"),
    ],
)
async def test_each_page_ends_as_what_it_is(site: Local, name: str, state: State, part: str) -> None:
    site.answers["/closed/open"] = page(b"<html><body></body></html>")
    got = await read(site, name)
    assert got.state is state
    assert part in (got.text if state is State.READ else got.reason)


async def test_a_site_whose_robots_txt_fails_is_closed(site: Local) -> None:
    site.answers["/robots.txt"] = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
    assert (await read(site, "bridge")).state is State.FORBIDDEN


async def test_a_site_without_robots_txt_is_open(site: Local) -> None:
    site.answers["/robots.txt"] = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
    assert (await read(site, "bridge")).state is State.READ


async def test_a_redirect_does_not_lead_around_robots_txt(site: Local) -> None:
    site.answers["/door"] = b"HTTP/1.1 302 Found\r\nLocation: /closed\r\nContent-Length: 0\r\n\r\n"
    assert (await read(site, "door")).state is State.FORBIDDEN


async def test_an_address_that_only_leads_to_a_page_is_shown_as_that_page(site: Local) -> None:
    """What Gemini's grounding names: all on one host of Google's, whose robots.txt says nothing of the page."""
    site.answers["/closed"] = b"HTTP/1.1 302 Found\r\nLocation: /bridge\r\nContent-Length: 0\r\n\r\n"
    got = await page_read(Result(site.url("/closed"), forwards=True))
    assert (got.state, got.url) == (State.READ, site.url("/bridge"))


async def test_it_does_not_lead_around_the_robots_txt_of_the_page(site: Local) -> None:
    site.answers["/lead"] = b"HTTP/1.1 302 Found\r\nLocation: /closed\r\nContent-Length: 0\r\n\r\n"
    assert (await page_read(Result(site.url("/lead"), forwards=True))).state is State.FORBIDDEN


async def test_slow_pages_are_left_behind_and_the_others_kept(site: Local) -> None:
    got = await pages_read(found(site, "bridge", "slow", "length"), nothing, budget=3.0)
    assert [one.state for one in got] == [State.READ, State.SLOW, State.READ]
    assert got[1].title == "Result slow"


async def test_the_same_page_is_fetched_once_for_all_who_want_it(site: Local) -> None:
    site.answers["/bridge"] = after(0.2, article("Bridge", BRIDGE))  # type: ignore[assignment]
    got = await asyncio.gather(*(read(site, "bridge") for _ in range(8)))
    assert {one.state for one in got} == {State.READ}
    assert sum(b"GET /bridge " in head for head in site.heads) == 1


async def test_who_leaves_does_not_take_the_page_from_the_others(site: Local) -> None:
    site.answers["/bridge"] = after(0.2, article("Bridge", BRIDGE))  # type: ignore[assignment]
    leaving = asyncio.ensure_future(read(site, "bridge"))
    staying = asyncio.ensure_future(read(site, "bridge"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).state is State.READ


async def test_a_page_is_kept_for_an_hour_and_a_failure_is_not(site: Local) -> None:
    for name in ("bridge", "broken"):
        await read(site, name)
        await read(site, name)
    asked = b"".join(site.heads)
    assert (asked.count(b"GET /bridge "), asked.count(b"GET /broken ")) == (1, 2)


async def test_a_huge_page_is_read_to_its_bound(site: Local) -> None:
    site.answers["/huge"] = article("Huge", BRIDGE, size=3_000_000)
    got = await read(site, "huge")
    assert (got.state, "4 May 1931" in got.text) == (State.READ, True)
    assert len(got.text) <= 60_000


async def test_a_bomb_fails_alone(site: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "EXTRACT_SECONDS", 0.001)
    site.answers["/bomb"] = page(b"<html><body>" + b"<div>" * 100_000)
    assert (await read(site, "bomb")).state is State.FAILED
    monkeypatch.undo()
    assert (await read(site, "bridge")).state is State.READ


async def test_what_is_kept_for_one_person_is_nothing_to_another() -> None:
    await keeping.answer_put(1, "question", {"text": "canary"})
    assert await keeping.answer_get(2, "question") is None
    assert await keeping.answer_get(1, "question") == {"text": "canary"}


async def test_a_kept_value_that_names_another_owner_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_key", lambda kind, user_id, text: "search:one-key-for-all")
    await keeping.answer_put(1, "question", {"text": "canary"})
    assert await keeping.answer_get(2, "question") is None
