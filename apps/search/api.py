"""Web search for programs: ask, look again, forget."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import limits
from apps.accounts.authentication import caller
from apps.core.addresses import request_address
from apps.core.endpoints import Endpoint, given, waited
from apps.core.idempotency import idempotent_slowly
from apps.core.paging import page_of
from apps.core.schema import paged
from apps.search import selectors, services
from apps.search.answering import Reply, reply
from apps.search.finding import Wanted
from apps.search.models import Search
from apps.search.values import Findings, Source

MOST_URLS = 10
ASKED = OpenApiExample(
    "A question", {"query": "When was the bridge at Remagen built?", "answer": True}, request_only=True
)


class SearchInput(serializers.Serializer[Any]):
    """What a program may ask."""

    query = serializers.CharField(max_length=2000)
    answer = serializers.BooleanField(required=False, default=False, help_text="Let a model write a cited answer.")
    urls = serializers.ListField(
        child=serializers.CharField(max_length=2048),
        required=False,
        default=list,
        max_length=MOST_URLS,
        help_text="Pages to read beside those that the engine finds.",
    )
    model = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    cache = serializers.BooleanField(required=False, default=True, help_text="Take what was found within the hour.")


class PassageOutput(serializers.Serializer[Any]):
    """A piece of a page, to the letter; start and end count characters of its main text."""

    id = serializers.UUIDField()
    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    score = serializers.FloatField()


class SourceOutput(serializers.Serializer[Any]):
    """A page that was read, or could not be."""

    number = serializers.IntegerField(help_text="What the marks of the answer name.")
    url = serializers.CharField()
    title = serializers.CharField()
    state = serializers.CharField(help_text="read, failed, slow, forbidden (robots.txt), refused or empty.")
    reason = serializers.CharField(help_text="Why it could not be read.")
    passages = PassageOutput(many=True)


class SearchOutput(serializers.Serializer[Any]):
    """What was found, and the answer if one was wanted. Each mark such as [2] in it names a source that was read."""

    id = serializers.UUIDField()
    query = serializers.CharField()
    answer = serializers.CharField(required=False)
    model = serializers.CharField(required=False)
    sources = SourceOutput(many=True)
    engine = serializers.CharField(help_text="Who was asked; empty where nobody could be.")
    offline = serializers.BooleanField()
    cached = serializers.BooleanField()
    note = serializers.CharField()


class SearchSummary(serializers.Serializer[Any]):
    """A search as lists show it."""

    id = serializers.UUIDField()
    query = serializers.CharField()
    engine = serializers.CharField()
    offline = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class Searches(Endpoint):
    """All searches."""

    scope = "search"
    tag = "search"
    waits = True

    @extend_schema(**paged(SearchSummary))
    def get(self, request: Request) -> Response:
        """The searches, newest first."""
        return page_of(request, selectors.searches_of(user=caller(request)), SearchSummary, "-created_at", "-id")

    @extend_schema(request=SearchInput, responses=SearchOutput, examples=[ASKED])
    @idempotent_slowly
    def post(self, request: Request) -> Response:
        """Search the web, read the best pages and, with `answer`, let a model answer from them alone."""
        asked = given(SearchInput, request)
        limits.question_admit(user_id=caller(request).pk, address=request_address(request))
        wanted = Wanted(asked["query"], tuple(asked["urls"]), fresh=not asked["cache"])
        found = waited(reply, user=caller(request), wanted=wanted, answer=asked["answer"], model=asked["model"])
        return Response(reply_shape(found))


class OneSearch(Endpoint):
    """One search."""

    scope = "search"
    tag = "search"

    @extend_schema(responses=SearchOutput)
    def get(self, request: Request, search_id: UUID) -> Response:
        """A search as it was answered."""
        return Response(row_shape(selectors.search_get(user=caller(request), search_id=search_id)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, search_id: UUID) -> Response:
        """Forget a search and all that was read for it."""
        services.search_delete(user=caller(request), search_id=search_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def reply_shape(found: Reply) -> dict[str, Any]:
    """A reply as programs see it."""
    written = {} if found.answer is None else {"answer": found.answer, "model": found.model}
    shape = findings_shape(found.findings)
    return {"id": str(found.search_id), **shape, **written, "cached": found.cached}


def findings_shape(findings: Findings) -> dict[str, Any]:
    return {
        "query": findings.query,
        "sources": [source_shape(source) for source in findings.sources],
        "engine": findings.engine,
        "offline": findings.offline,
        "note": findings.note,
    }


def source_shape(source: Source) -> dict[str, Any]:
    page = source.page
    return {
        "number": source.number,
        "url": page.url,
        "title": page.title,
        "state": page.state.value,
        "reason": page.reason,
        "passages": PassageOutput(source.passages, many=True).data,
    }


def row_shape(search: Search) -> dict[str, Any]:
    """The same from its rows."""
    sources = SourceOutput([_source_row(row) for row in search.sources.all()], many=True).data
    shape: dict[str, Any] = {
        "id": str(search.id),
        "query": search.query,
        "sources": sources,
        "engine": search.engine,
        "offline": search.offline,
        "cached": search.cached,
        "note": search.note,
    }
    return shape | ({"answer": search.answer, "model": search.model} if search.answer else {})


def _source_row(row: Any) -> dict[str, Any]:
    return {
        "number": row.number,
        "url": row.url,
        "title": row.title,
        "state": row.state,
        "reason": row.reason,
        "passages": list(row.passages.all()),
    }
