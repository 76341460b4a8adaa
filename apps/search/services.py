"""Writes of web search. Whoever calls names the user."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.postgres.search import SearchVector
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.search import selectors
from apps.search.marks import Citation as Mark
from apps.search.models import Citation, Passage, Search, Source
from apps.search.selectors import CONFIG, searches_idle
from apps.search.values import Findings
from apps.search.values import Source as Found

QUERY_LIMIT = 2_000
UNDO_WINDOW = timedelta(hours=24)
AT_ONCE = 500
WORDS = SearchVector("title", weight="A", config=CONFIG) + SearchVector("text", weight="B", config=CONFIG)


@transaction.atomic
def search_save(
    *, user: User, findings: Findings, message_id: UUID | None = None, conversation_id: UUID | None = None
) -> Search:
    """Keep what was found: all sources, read or not, and their passages under the ids that they have already."""
    search = Search.objects.create(
        owner=user,
        query=_clean(findings.query)[:QUERY_LIMIT],
        engine=findings.engine,
        offline=findings.offline,
        cached=findings.cached,
        note=findings.note,
        message_id=message_id,
        conversation_id=conversation_id,
    )
    pairs = [(source, _source(search, source)) for source in findings.sources]
    Source.objects.bulk_create([row for _, row in pairs])
    Passage.objects.bulk_create(
        Passage(id=p.id, source=row, rank=rank, start=p.start, end=p.end, text=p.text, score=p.score)
        for found, row in pairs
        for rank, p in enumerate(found.passages)
    )
    Source.objects.filter(search=search).update(words=WORDS)
    return search


def _source(search: Search, found: Found) -> Source:
    page = found.page
    return Source(
        search=search,
        number=found.number,
        url=_clean(page.url)[:2048],
        title=_clean(page.title)[:300],
        snippet=_clean(found.snippet)[:500],
        state=page.state.value,
        reason=_clean(page.reason)[:500],
        language=page.language,
        text=page.text,
    )


def _clean(text: str) -> str:
    """What PostgreSQL can keep."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


@transaction.atomic
def search_cite(*, user: User, search_id: UUID, marks: Sequence[Mark], answer: str = "", model: str = "") -> None:
    """Keep the marks of an answer behind those it has, and the answer where no chat keeps it."""
    search = selectors.search_get(user=user, search_id=search_id)
    before = len(search.citations.all())
    Citation.objects.bulk_create(
        Citation(search=search, passage_id=mark.passage.id, position=at, number=mark.number, claim=mark.claim[:1000])
        for at, mark in enumerate(marks, before + 1)
    )
    Search.objects.filter(id=search.id).update(answer=answer, model=model[:200])


def searches_forget(*, conversation_ids: Sequence[UUID]) -> None:
    """Forget what was searched for in chats that are gone for good."""
    Search.objects.filter(conversation_id__in=conversation_ids).delete()


@transaction.atomic
def searches_hide(before: datetime, limit: int) -> int:
    """Hide searches that belong to no chat and are older than a time, at most so many; returns how many."""
    old = searches_idle(before).order_by("created_at").select_for_update(skip_locked=True)
    return Search.objects.filter(id__in=list(old.values_list("id", flat=True)[:limit])).update(
        deleted_at=timezone.now()
    )


def searches_purge(*, now: datetime) -> int:
    """Forget for good what was hidden a day ago, with all that was read for it; some at a time, returns how many."""
    old = selectors.searches_purgeable(now - UNDO_WINDOW, AT_ONCE)
    return Search.objects.filter(id__in=old).delete()[1].get("search.Search", 0)


def search_delete(*, user: User, search_id: UUID) -> None:
    """Forget a search with all that was read for it; the chat's answer stays, its marks lead nowhere."""
    selectors.search_get(user=user, search_id=search_id).delete()
