"""Pages of long lists: by cursor, so that nothing is shown twice or left out while rows come and go."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import Model, QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from apps.core.errors import Invalid


class Pages(CursorPagination):
    """`{"next", "previous", "results"}`; `?limit=` rows at a time, `?cursor=` from the addresses of the last answer."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"
    page_size_query_description = "How many at once; 50 where it is left out, 200 at most."
    cursor_query_description = "Where to go on: take it from `next` or `previous` of the last answer."

    def __init__(self, *ordering: str) -> None:
        self.ordering = ordering or ("-created_at", "-id")

    def get_page_size(self, request: Request) -> int:
        """How many rows; a limit above the highest means the highest. Raises `Invalid`."""
        given = request.query_params.get(self.page_size_query_param, "")
        if given and not (given.isascii() and given.lstrip("0").isdigit()):
            raise Invalid("'limit' must be a whole number above 0.", hint=f"Up to {self.max_page_size} come at once.")
        return super().get_page_size(request) or self.page_size

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any] | None:
        """As the framework's; a cursor that somebody has made up is the client's mistake, not ours."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValidationError, ValueError, OverflowError, DataError) as error:
            raise Invalid(
                "This cursor is not one of ours.", code="bad_cursor", hint="Begin without a cursor."
            ) from error


def page_of(
    request: Request, rows: QuerySet[Any], output: type[BaseSerializer[Any]], *ordering: str, **context: Any
) -> Response:
    """One page of the rows, as the request wishes, each through the serializer `output`.

    `ordering` must end with something unique, or rows that are equal in it could get lost between two pages.
    """
    pages = Pages(*ordering)
    found: list[Model] = pages.paginate_queryset(rows, request) or []
    return pages.get_paginated_response(output(found, many=True, context=context).data)
