"""The way out of the API for everything that goes wrong."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from apps.core.errors import DatabaseAway, NitroError
from apps.core.failures import Failure
from apps.core.pages import FORBIDDEN, NOT_FOUND, TOO_LARGE

CODES = {
    "parse_error": "invalid",
    "permission_denied": "not_allowed",
    "authentication_failed": "not_authenticated",
    "throttled": "rate_limited",
}
HINTS = {
    401: "Sign in, or send a key as `Authorization: Bearer nk_…`. Keys are made on the settings page.",
    405: "The API's documentation lists what each address accepts.",
    415: "Send JSON with the header `Content-Type: application/json`.",
    429: "Wait as long as Retry-After says, then try again.",
}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every failure that can be told, as `{"code", "message", "hint", "details"}`; None for a bug: a 500."""
    failure = failure_of(error)
    if failure is None:
        return None
    set_rollback()
    failure = failure.at(context["request"].path)
    return Response(failure.body(context["request"].path), status=failure.status, headers=failure.headers())


def failure_of(error: Exception) -> Failure | None:
    """Translate what a view raised."""
    match error:
        case NitroError():
            return Failure.of(error)
        case OperationalError() | InterfaceError():
            return Failure.of(DatabaseAway("The database does not answer.", retry_after=5))
        case Http404():
            return NOT_FOUND
        case PermissionDenied():
            return FORBIDDEN
        case RequestDataTooBig():
            return TOO_LARGE
        case exceptions.ValidationError():
            details = error.detail if isinstance(error.detail, dict) else {"": error.detail}
            return Failure(400, "invalid", "Some of this cannot be taken as it is.", "The details say what.", details)
        case exceptions.APIException():
            return failure_of_framework(error)
    return None


def failure_of_framework(error: exceptions.APIException) -> Failure:
    """REST framework's own errors, under our codes."""
    code = str(error.get_codes()) if isinstance(error.detail, str) else error.default_code
    return Failure(
        error.status_code,
        CODES.get(code, code),
        str(error.detail),
        HINTS.get(error.status_code, ""),
        retry_after=getattr(error, "wait", None),
    )
