"""The API's description for programs: OpenAPI, made once in each process, the same for everybody."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator


@cache
def description() -> dict[str, Any]:
    """All operations, as OpenAPI 3 says it."""
    generator: Any = SchemaGenerator
    found: dict[str, Any] = generator().get_schema(request=None, public=True)
    return found


@cache
def description_bytes() -> bytes:
    return orjson.dumps(description(), default=str)


@login_not_required
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """`/api/schema/`: for everybody, since it holds nothing of anybody."""
    return HttpResponse(description_bytes(), content_type="application/json")
