"""The API's description, the same for everybody: OpenAPI for programs, and a page for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from apps.core.specimen import Field, fields_of, kind_of, specimen


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


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to ask of the API, as the page shows it.

    It takes `body`, which is JSON to begin with, or the `parts` of a form, files among them.
    """

    name: str
    method: str
    path: str
    says: str
    parameters: Sequence[Field]
    fields: Sequence[Field]
    body: str
    parts: Sequence[Field]
    answer: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """The operations of one kind."""

    name: str
    operations: Sequence[Operation]


@cache
def chapters() -> tuple[Chapter, ...]:
    """Everything, by kind, OpenAI's own addresses last."""
    found: dict[str, list[Operation]] = {}
    for path, methods in description()["paths"].items():
        for method, told in methods.items():
            found.setdefault(told["tags"][0], []).append(_operation(path, method, told))
    named = [Chapter(name[:1].upper() + name[1:], operations) for name, operations in found.items()]
    return tuple(sorted(named, key=lambda chapter: (chapter.name == "OpenAI", chapter.name)))


def _operation(path: str, method: str, told: dict[str, Any]) -> Operation:
    schemas = description()["components"]["schemas"]
    wanted = told.get("requestBody", {}).get("content", {})
    nothing: tuple[str, dict[str, Any]] = ("", {})
    kind, content = next(iter(wanted.items()), nothing)
    shape = content.get("schema", {})
    is_form = kind == "multipart/form-data"
    status = min(told["responses"])
    answer_kind, answer = next(iter(told["responses"][status].get("content", {}).items()), nothing)
    return Operation(
        name=told["operationId"],
        method=method.upper(),
        path=path,
        says=told.get("description", ""),
        parameters=[
            Field(one["name"], kind_of(one["schema"], schemas), one.get("description", ""), one.get("required", False))
            for one in told.get("parameters", ())
        ],
        fields=[] if is_form else fields_of(shape, schemas),
        body=_written(_example(content, shape, schemas)) if kind == "application/json" else "",
        parts=fields_of(shape, schemas) if is_form else [],
        answer=_written(_example(answer, answer.get("schema", {}), schemas)) if "json" in answer_kind else "",
        media_type=f"{status} {answer_kind}".strip(),
    )


def _example(content: dict[str, Any], shape: dict[str, Any], schemas: dict[str, Any]) -> Any:
    named = next(iter(content.get("examples", {}).values()), None)
    return named["value"] if named is not None else specimen(shape, schemas)


def _written(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode()


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """`/api/docs/`: everything there is, and a place to try each of it."""
    return render(request, "api/docs.html", {"chapters": chapters()})
