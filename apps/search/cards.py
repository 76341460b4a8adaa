"""What the templates of search show: searches with their sources, and passages in their surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from apps.search.models import Passage, Search, Source

AROUND = 320  # characters before and after a quoted passage
OWN = ("/c/",)  # where pages of one's own library are


@dataclass(frozen=True, slots=True)
class SourceCard:
    """One source with the passages that fit the question, best first."""

    row: Source
    passages: Sequence[Passage]

    @property
    def link(self) -> str:
        return link_of(self.row.url)

    @property
    def host(self) -> str:
        return host_of(self.row.url)

    @property
    def is_read(self) -> bool:
        return self.row.state == Source.State.READ

    @property
    def best(self) -> Passage | None:
        return self.passages[0] if self.passages else None


@dataclass(frozen=True, slots=True)
class SearchCard:
    """One search, ready for its template."""

    row: Search
    sources: Sequence[SourceCard]

    @property
    def read(self) -> int:
        return sum(source.is_read for source in self.sources)

    @property
    def line(self) -> str:
        """How many pages were read, in words."""
        total = len(self.sources)
        pages = "page" if total == 1 else "pages"
        if not total:
            return "Found no pages"
        return f"Read {total} {pages}" if self.read == total else f"Read {self.read} of {total} {pages}"


@dataclass(frozen=True, slots=True)
class Quotation:
    """A passage between what stands before and after it on its page."""

    passage: Passage
    before: str
    after: str
    claims: Sequence[str]

    @property
    def source(self) -> SourceCard:
        return SourceCard(self.passage.source, [self.passage])


def search_card(row: Search) -> SearchCard:
    return SearchCard(row, [SourceCard(source, list(source.passages.all())) for source in row.sources.all()])


def quotation(row: Passage) -> Quotation:
    """A passage with its surroundings, cut at words."""
    text = row.source.text
    before, after = text[max(0, row.start - AROUND) : row.start], text[row.end : row.end + AROUND]
    if row.start > AROUND:
        before = "… " + before.split(" ", 1)[-1]
    if row.end + AROUND < len(text):
        after = after.rsplit(" ", 1)[0] + " …"
    return Quotation(row, before, after, [mark.claim for mark in row.citations.all()])


def link_of(url: str) -> str:
    """The address if it is one that a page may link to, else nothing."""
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return ""
    return url if scheme in {"http", "https"} or url.startswith(OWN) else ""


def host_of(url: str) -> str:
    """Where a page is from, in short."""
    if url.startswith(OWN):
        return "your chats"
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
