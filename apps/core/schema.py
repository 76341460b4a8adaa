"""How the API describes itself: what every operation has in common, so that views name only what is theirs."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from apps.core.failures import OPENAI_PATH
from apps.core.idempotency import HEADER
from apps.core.paging import Pages


class FailureOutput(serializers.Serializer[Any]):
    """Every failure of `/api/`."""

    code = serializers.CharField(help_text="For programs: it never changes its meaning.")
    message = serializers.CharField(help_text="What went wrong, in a sentence.")
    hint = serializers.CharField(help_text="How to repair it; may be empty.")
    details = serializers.DictField(help_text="What is wrong with which field.")


class OpenAIFailure(serializers.Serializer[Any]):
    """What went wrong, as OpenAI's clients expect it."""

    message = serializers.CharField()
    type = serializers.CharField()
    param = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)


class OpenAIFailureOutput(serializers.Serializer[Any]):
    """Every failure of `/v1/`."""

    error = OpenAIFailure()


EXAMPLE = {"code": "not_found", "message": "There is no such chat.", "hint": "It may have been deleted.", "details": {}}
OPENAI_EXAMPLE = {
    "error": {
        "message": "There is no model 'gpt-9'.",
        "type": "not_found_error",
        "param": None,
        "code": "model_not_found",
    }
}
REFUSED, UNABLE = "What was asked cannot be done as it is.", "Right now it does not go: a part of Nitro, or a model."
AGAIN = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="A word of your own, such as a UUID: the same request with the same word creates nothing twice.",
)
CURSOR = OpenApiParameter("cursor", str, description=Pages.cursor_query_description)
LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1}, description=Pages.page_size_query_description)


class Schema(AutoSchema):
    """Adds the failures to every operation, and the header that makes a request safe to repeat."""

    def get_override_parameters(self) -> list[Any]:
        method = getattr(self.view, self.method.lower(), None)
        own = super().get_override_parameters()
        return [*own, AGAIN] if getattr(method, "is_idempotent", False) else own

    def get_operation_id(self) -> str:
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self.view).__name__)
        return f"{words.lower()}_{self.method.lower()}"

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "tag", "")] if getattr(self.view, "tag", "") else super().get_tags()

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        found = super()._get_response_bodies(direction)
        told: Any = self._get_response_for_code
        for status, description in (("4XX", REFUSED), ("5XX", UNABLE)):
            found.setdefault(status, told(failure(self.path, description), status))
        return found


def failure(path: str, description: str) -> OpenApiResponse:
    """The shape of failures at an address."""
    is_openai = path.startswith(OPENAI_PATH)
    example = OpenApiExample("failure", OPENAI_EXAMPLE if is_openai else EXAMPLE)
    return OpenApiResponse(OpenAIFailureOutput if is_openai else FailureOutput, description, examples=[example])


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tells of keys in the Authorization header."""

    target_class = "apps.accounts.authentication.ApiKeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "nk_…"}


_pages: dict[str, Any] = {}


def _page(output: Any) -> type[serializers.BaseSerializer[Any]]:
    name = f"{output.__name__.removesuffix('Output')}Page"
    fields = {
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": output(many=True),
    }
    return type(inline_serializer(name, fields))


def paged(output: type[serializers.BaseSerializer[Any]], *more: OpenApiParameter) -> dict[str, Any]:
    """What `extend_schema` is told of a list that `page_of` gives: `@extend_schema(**paged(ThingOutput))`."""
    made: Any = _pages.setdefault(output.__name__, _page(output))
    return {"responses": {200: made}, "parameters": [CURSOR, LIMIT, *more]}
