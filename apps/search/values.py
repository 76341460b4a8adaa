"""What travels inside the search: results of an engine, pages that were read, and passages of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class State(StrEnum):
    """What became of a source."""

    READ = "read"
    FAILED = "failed"
    SLOW = "slow"
    FORBIDDEN = "forbidden"  # by the site's robots.txt
    REFUSED = "refused"  # by us: an address where Nitro does not go
    EMPTY = "empty"  # there was no text in it


@dataclass(frozen=True, slots=True)
class Result:
    """One result of an engine, or a page that somebody named. One that `forwards` only leads to its page."""

    url: str
    title: str = ""
    snippet: str = ""
    forwards: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """The main text of one page; `reason` says in a sentence why there is none."""

    url: str
    title: str
    state: State
    text: str = ""
    language: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a page's text: `text[start:end]` of the page, to the letter."""

    start: int
    end: int
    text: str
    score: float = 0.0
    id: UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True, slots=True)
class Source:
    """A numbered page with the passages of it that concern the question, best first."""

    number: int
    page: Page
    snippet: str = ""
    passages: Sequence[Passage] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was found for a question. `engine` is empty where nobody was asked but for named pages."""

    query: str
    engine: str
    sources: Sequence[Source]
    offline: bool = False
    cached: bool = False
    note: str = ""

    @property
    def read(self) -> Sequence[Source]:
        """The sources that an answer may rest on."""
        return [source for source in self.sources if source.passages]


@dataclass(frozen=True, slots=True)
class Step:
    """What happens right now: `searching`, or `reading` page `position` of `total`, or `writing`."""

    state: str
    position: int | None = None
    total: int | None = None
