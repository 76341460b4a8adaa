"""Reads of web search. Every function takes the user first: there is no other way to somebody's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F, Prefetch, QuerySet

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.search.models import Citation, Passage, Search, Source
from apps.search.values import Findings, Page, State
from apps.search.values import Passage as Piece
from apps.search.values import Source as Found
from apps.search.words import any_of

CONFIG = "simple"
LIST_LIMIT = 50


@dataclass(frozen=True, slots=True)
class SavedPage:
    """A page that was read for an earlier search."""

    url: str
    title: str
    text: str


def search_get(*, user: User, search_id: UUID) -> Search:
    """A search of the user with its sources, passages and citations; raises `NotFound`."""
    row = _whole(user).filter(id=search_id).first()
    if row is None:
        raise NotFound("There is no such search.")
    return row


def searches_of(*, user: User) -> QuerySet[Search]:
    """The user's searches, without what they found."""
    return Search.objects.filter(owner=user, deleted_at=None)


def search_list(*, user: User, limit: int = LIST_LIMIT) -> list[Search]:
    """The user's newest searches."""
    return list(searches_of(user=user).order_by("-created_at")[:limit])


def searches_of_messages(*, user: User, message_ids: Sequence[UUID]) -> dict[UUID, Search]:
    """The searches from which these answers were written, by the answer; texts of pages are left out."""
    rows = _whole(user).filter(message_id__in=message_ids).order_by("created_at")
    return {row.message_id: row for row in rows if row.message_id is not None}


def searches_idle(before: datetime) -> QuerySet[Search]:
    """Everybody's searches that belong to no chat and are older than a time, for the nightly cleanup."""
    return Search.objects.filter(conversation_id=None, deleted_at=None, kept_at=None, created_at__lt=before)


def searches_purgeable(before: datetime, limit: int) -> list[UUID]:
    """Searches that were hidden before a time."""
    return list(Search.objects.filter(deleted_at__lt=before).values_list("id", flat=True)[:limit])


def findings_of(search: Search) -> Findings:
    """What was found for a search, as far as an answer needs it: without the texts of whole pages."""
    sources = [
        Found(
            row.number,
            Page(row.url, row.title, State(row.state), reason=row.reason),
            row.snippet,
            [Piece(one.start, one.end, one.text, one.score, one.id) for one in row.passages.all()],
        )
        for row in search.sources.all()
    ]
    return Findings(search.query, search.engine, sources, search.offline, cached=True, note=search.note)


def searched(*, user_id: int, message_ids: Sequence[UUID]) -> bool:
    """Whether a search of this user led to one of these answers."""
    return Search.objects.filter(owner=user_id, message_id__in=message_ids).exists()


def passage_get(*, user: User, passage_id: UUID) -> Passage:
    """A passage of one of the user's searches, with its source and what cites it; raises `NotFound`."""
    rows = Passage.objects.filter(id=passage_id, source__search__owner=user, source__search__deleted_at=None)
    row = rows.select_related("source", "source__search").prefetch_related("citations").first()
    if row is None:
        raise NotFound("There is no such passage.")
    return row


def pages_search(*, user: User, query: str, limit: int) -> list[SavedPage]:
    """Pages that were read for the user's earlier searches and hold a word of the question, the fittest first."""
    wanted = any_of(query)
    if not wanted:
        return []
    asked = SearchQuery(wanted, config=CONFIG, search_type="raw")
    rows = (
        Source.objects.filter(search__owner=user, search__deleted_at=None, state=Source.State.READ, words=asked)
        .annotate(rank=SearchRank(F("words"), asked))
        .order_by("-rank", "-search__created_at")
        .values_list("url", "title", "text")[: 4 * limit]
    )
    unique = {url: SavedPage(url, title, text) for url, title, text in reversed(rows)}
    return list(reversed(unique.values()))[:limit]


def _whole(user: User) -> QuerySet[Search]:
    sources = Source.objects.defer("text", "words").order_by("number")
    marks = Citation.objects.select_related("passage").order_by("position")
    return searches_of(user=user).prefetch_related(
        Prefetch("sources", sources), "sources__passages", Prefetch("citations", marks)
    )
