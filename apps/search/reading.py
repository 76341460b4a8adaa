"""Reads pages: several at once, within a time budget, each by whoever asks for it first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from apps.core import outside
from apps.core.confined import Confined, Warm
from apps.core.errors import NitroError
from apps.core.outside import AddressRefused, BadAnswer, Bounds, OutsideError, TooSlow
from apps.search import keeping
from apps.search.robots import robots_allow
from apps.search.values import Page, Result, State, Step

BUDGET_SECONDS = 6.0  # for all pages of a search together
HTML = frozenset({"text/html", "application/xhtml+xml"})
PAGE = Bounds(seconds=5.0, size=2 * 1024 * 1024, redirects=5, types=HTML | {"text/plain", "text/markdown"}, cut=True)
ROBOTS = Bounds(seconds=3.0, size=256 * 1024, redirects=3, cut=True)
EXTRACT_SECONDS, EXTRACT_MB = 3.0, 300
CELLS = 2
CLOSED = "User-agent: *\nDisallow: /"  # RFC 9309: a site whose robots.txt fails with 5xx is closed
Tell = Callable[[Step], None]

_flights: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Task[Page]]] = WeakKeyDictionary()


@cache
def cells() -> tuple[Warm, ...]:
    """The confined processes that take pages apart. They start with the first page and end when idle."""
    return tuple(Warm(memory_mb=EXTRACT_MB, idle_seconds=60.0) for _ in range(CELLS))


async def cells_warm() -> None:
    """Start them while the engine is still being asked. What goes wrong here goes wrong again, and is told, later."""
    calls = (cell.run_async("apps.search.extraction.warm", seconds=EXTRACT_SECONDS * 3) for cell in cells())
    await asyncio.gather(*calls, return_exceptions=True)


async def pages_read(results: Sequence[Result], tell: Tell, budget: float = BUDGET_SECONDS) -> list[Page]:
    """The pages behind some results, in their order; those that failed or were too slow say so."""
    tasks = [asyncio.ensure_future(page_read(result)) for result in results]
    total, done = len(tasks), 0

    def count(_: object) -> None:
        nonlocal done
        done += 1
        tell(Step("reading", min(done + 1, total), total))

    for task in tasks:
        task.add_done_callback(count)
    if not tasks:
        return []
    tell(Step("reading", 1, total))
    try:
        await asyncio.wait(tasks, timeout=budget)
    finally:
        for task in tasks:
            task.remove_done_callback(count)
            task.cancel()
    return [
        task.result() if task.done() and not task.cancelled() else _late(result)
        for task, result in zip(tasks, results, strict=True)
    ]


def _late(result: Result) -> Page:
    return Page(result.url, result.title, State.SLOW, reason="This page took too long.")


async def page_read(result: Result) -> Page:
    """One page; asked for by several at the same time it is fetched once. Never raises for what a site does."""
    flights = _flights.setdefault(asyncio.get_running_loop(), {})
    task = flights.get(result.url)
    if task is None:
        task = flights[result.url] = asyncio.ensure_future(_page(result))
        task.add_done_callback(lambda _: flights.pop(result.url, None))
    return await asyncio.shield(task)


async def _page(result: Result) -> Page:
    kept = await keeping.page_get(result.url)
    if kept is not None:
        return kept
    try:
        page = await _fetched(result)
    except (OutsideError, Confined) as error:
        return Page(result.url, result.title, _state(error), reason=error.message)
    if page.state is State.READ:
        await keeping.page_put(result.url, page)
    return page


async def _fetched(result: Result) -> Page:
    if not result.forwards and not robots_allow(await robots_of(result.url), result.url):
        return Page(result.url, result.title, State.FORBIDDEN, reason="This site asks programs not to read the page.")
    answer = await outside.fetch(result.url, PAGE)
    if answer.url != result.url and not robots_allow(await robots_of(answer.url), answer.url):
        return Page(result.url, result.title, State.FORBIDDEN, reason="This site asks programs not to read the page.")
    cell = min(cells(), key=lambda one: one.waiting)
    found = await cell.run_async(
        "apps.search.extraction.page_extract",
        answer.body,
        answer.charset,
        answer.media_type in HTML,
        seconds=EXTRACT_SECONDS,
    )
    return _read(replace(result, url=answer.url) if result.forwards else result, found)


def _read(result: Result, found: object) -> Page:
    """What came out of the confined process, looked at before it is believed."""
    fields = found if isinstance(found, dict) else {}
    title, text, language = (str(fields.get(name, "")) for name in ("title", "text", "language"))
    if not text.strip():
        return Page(result.url, title or result.title, State.EMPTY, reason="There was no text on this page.")
    return Page(result.url, title or result.title, State.READ, text, language[:20])


def _state(error: NitroError) -> State:
    match error:
        case AddressRefused():
            return State.REFUSED
        case TooSlow():
            return State.SLOW
    return State.FAILED


async def robots_of(url: str) -> str:
    """The robots.txt of an address's site. Raises an `OutsideError` where the site cannot be reached at all."""
    parts = urlsplit(url)
    site = f"{parts.scheme}://{parts.netloc}"
    kept = await keeping.robots_get(site)
    if kept is not None:
        return kept
    try:
        answer = await outside.fetch(f"{site}/robots.txt", ROBOTS)
        text = answer.body.decode("utf-8", "replace")
    except BadAnswer as error:
        text = CLOSED if error.answered >= 500 else ""
    await keeping.robots_put(site, text)
    return text
