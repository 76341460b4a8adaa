"""From a question to findings: ask an engine, read its pages, rank their passages; offline, look at home."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urldefrag, urlsplit

from apps.accounts.models import User
from apps.core import metrics
from apps.core.database import in_database
from apps.search import keeping, library, reading
from apps.search.chain import Answered
from apps.search.passages import passages_cut, passages_rank
from apps.search.providers.base import EngineAway
from apps.search.registry import LIBRARY, chain
from apps.search.values import Findings, Page, Result, Source, State, Step

RESULTS = 10  # that an engine is asked for
PAGES = 6  # of them that are read
PER_HOST = 3
ENGINE_SECONDS = 15.0  # for all engines together
KEPT_PASSAGES = 4  # of each page
OFFLINE = "The internet cannot be reached. This is what your own chats and saved pages say."
NO_ENGINE = "No search engine answered: {} This is what your own chats and saved pages say."
SECONDS = metrics.histogram("nitro_search_seconds", "From a question to the passages that were read for it.")
OWN_ALONE = "Searched in your own chats and saved pages alone."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall be looked for: a question, and pages to read beside those of the engine."""

    query: str
    urls: Sequence[str] = ()
    fresh: bool = False

    @property
    def key(self) -> str:
        return keeping.asked_key(self.query, list(self.urls))


async def find(*, user: User, wanted: Wanted, tell: reading.Tell) -> Findings:
    """Everything that concerns a question; the same person gets the same findings for an hour."""
    kept = None if wanted.fresh else await keeping.findings_get(user.pk, wanted.key)
    if kept is not None:
        return kept
    tell(Step("searching"))
    began = time.perf_counter()
    warming = asyncio.ensure_future(reading.cells_warm())
    try:
        answered = await _asked(wanted.query)
        pages = await reading.pages_read(_results(wanted.urls, answered.results), tell)
    finally:
        warming.cancel()
    findings = _findings(wanted.query, answered, pages)
    SECONDS.observe(time.perf_counter() - began)
    if not findings.read:
        findings = await _from_library(user, findings, answered)
    if findings.read and not findings.offline:
        await keeping.findings_put(user.pk, wanted.key, findings)
    return findings


async def _asked(query: str) -> Answered:
    """What the engines say in the time they have; those that hang are as good as away."""
    try:
        async with asyncio.timeout(ENGINE_SECONDS):
            return await chain().search(query, RESULTS)
    except TimeoutError:
        return Answered("", [], [EngineAway(f"No engine answered in {ENGINE_SECONDS:g} s.")])


def _results(urls: Iterable[str], found: Sequence[Result]) -> list[Result]:
    """The named pages, then the engine's best, each once and not too many of one site."""
    chosen = {url: Result(url) for url in dict.fromkeys(urls)}
    hosts: Counter[str] = Counter()
    room = len(chosen) + PAGES
    for result in found:
        url = urldefrag(result.url).url
        host = _host(url)
        if len(chosen) < room and host and url not in chosen and hosts[host] < PER_HOST:
            hosts[host] += 0 if result.forwards else 1
            chosen[url] = replace(result, url=url)
    return list(chosen.values())


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return parts.netloc if parts.scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def _findings(query: str, answered: Answered, pages: Sequence[Page]) -> Findings:
    snippets = {urldefrag(result.url).url: result.snippet for result in answered.results}
    return Findings(query, answered.engine, sources_rank(query, pages, snippets), answered.offline)


def sources_rank(query: str, pages: Sequence[Page], snippets: dict[str, str]) -> list[Source]:
    """Pages as numbered sources with the passages of them that fit the question."""
    cut = [(page.title, passages_cut(page.text)) for page in pages]
    ranked = passages_rank(query, cut)
    return [
        Source(number, page, snippets.get(page.url, "")[:500], passages[:KEPT_PASSAGES])
        for number, (page, passages) in enumerate(zip(pages, ranked, strict=True), 1)
    ]


async def _from_library(user: User, findings: Findings, answered: Answered) -> Findings:
    """What one has at home; pages that could not be read stay in the list behind it."""
    books = await in_database(library.books_find, user=user, query=findings.query)
    pages = [Page(book.url, book.title, State.READ, book.text) for book in books]
    others = [source.page for source in findings.sources if source.page.state is not State.READ]
    sources = sources_rank(findings.query, [*pages, *others], {})
    engine = LIBRARY if books or not answered.engine else answered.engine
    return Findings(findings.query, engine, sources, answered.offline, False, _note(answered, bool(books)))


def _note(answered: Answered, some: bool) -> str:
    if answered.offline:
        return OFFLINE
    if answered.problems and not answered.engine:
        return NO_ENGINE.format(answered.problems[0].message)
    if not answered.engine:
        return OWN_ALONE
    return "No page could be read. This is what your own chats and saved pages say." if some else ""
