"""Every failure of the API has one shape, whatever raised it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from apps.core.errors import Busy, Invalid, NitroError, NotAllowed, NotFound
from apps.core.failures import Failure


class Wanted(serializers.Serializer[Any]):
    message = serializers.CharField()


class FailingView(APIView):
    permission_classes = (AllowAny,)
    error: Exception = Invalid("no")

    def get(self, request: Request) -> Response:
        raise self.error

    def post(self, request: Request) -> Response:
        Wanted(data=request.data).is_valid(raise_exception=True)
        return Response(request.data)


def told(error: Exception, path: str = "/api/x/") -> tuple[HttpResponse, dict[str, Any]]:
    response = FailingView.as_view(error=error)(APIRequestFactory().get(path))
    response.render()
    return response, json.loads(response.content)


def posted(body: Any, kind: str = "application/json") -> tuple[int, dict[str, Any]]:
    response = FailingView.as_view()(APIRequestFactory().generic("POST", "/api/x/", body, content_type=kind))
    response.render()
    return response.status_code, json.loads(response.content)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("Gone."), 404, "not_found"),
        (Invalid("No.", code="too_long"), 400, "too_long"),
        (NotAllowed("No."), 403, "not_allowed"),
        (Busy("Later."), 503, "busy"),
        (OperationalError("connection refused"), 503, "database_away"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "not_allowed"),
        (RequestDataTooBig(), 413, "too_large"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.UnsupportedMediaType("text/csv"), 415, "unsupported_media_type"),
        (exceptions.ParseError("No JSON."), 400, "invalid"),
        (exceptions.Throttled(wait=7.2), 429, "rate_limited"),
        (exceptions.ValidationError({"message": ["This field is required."]}), 400, "invalid"),
        (exceptions.ValidationError(["Nothing fits."]), 400, "invalid"),
    ],
)
def test_every_failure_has_the_four_fields(error: Exception, status: int, code: str) -> None:
    response, body = told(error)
    assert (response.status_code, body["code"]) == (status, code)
    assert body.keys() == {"code", "message", "hint", "details"}
    assert body["message"]


def test_failures_of_v1_have_the_shape_of_openai() -> None:
    _, body = told(NotFound("There is no such model.", code="model_missing"), "/v1/models")
    assert body["error"].keys() == {"message", "type", "param", "code"}
    assert (body["error"]["type"], body["error"]["code"]) == ("not_found_error", "model_not_found")


def test_429_says_when_to_come_back() -> None:
    class LimitedError(NitroError):
        status = 429

    assert told(exceptions.Throttled(wait=7.2))[0].headers["Retry-After"] == "8"
    assert told(LimitedError("Slower.", retry_after=0.2))[0].headers["Retry-After"] == "1"
    assert told(LimitedError("Slower."))[0].headers["Retry-After"] == "1"


def test_503_of_the_database_says_when_to_come_back_and_hides_the_driver() -> None:
    response, body = told(OperationalError("connection to 10.0.0.3 as nitro refused"))
    assert response.headers["Retry-After"] == "5"
    assert "10.0.0.3" not in json.dumps(body)


def test_a_bug_is_not_dressed_up() -> None:
    with pytest.raises(ZeroDivisionError):
        told(ZeroDivisionError())


def test_details_name_the_fields() -> None:
    status, body = posted(b"{}")
    assert (status, body["details"]) == (400, {"message": ["This field is required."]})


@pytest.mark.parametrize(
    "body", [rb'{"message": "\u0000"}', b"[" * 9999, b'{"message": NaN}', b"\xff", b"null", b"[]", b"1"]
)
def test_bad_bodies_are_400(body: bytes) -> None:
    status, told_back = posted(body)
    assert status == 400
    assert told_back["message"]


def test_a_form_is_not_json() -> None:
    assert posted(b"message=x", "application/x-www-form-urlencoded")[0] == 415


def test_a_failure_keeps_what_the_error_said() -> None:
    failure = Failure.of(Busy("Full.", hint="Wait.", retry_after=3))
    assert failure == Failure(503, "busy", "Full.", "Wait.", retry_after=3)
