"""What views of the API have in common: one class per address, one method per operation, each short.

A view names the `scope` that a key needs there and the `tag` under which the documentation lists it. What comes in goes
through a serializer of its own (`given`), what goes out through another one; rows are reached through selectors and
services alone, with the user first, so that others' rows are never found: 404.
"""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView


class Endpoint(APIView):
    """The base of all of Nitro's own views. A key needs `scope`; for reading alone, `scope:read` is enough."""

    scope: str = ""
    tag: str = ""


def given(shape: type[BaseSerializer[Any]], request: Request) -> dict[str, Any]:
    """What was sent, checked; the framework's ValidationError names every field that is wrong."""
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found


def asked(shape: type[BaseSerializer[Any]], request: Request) -> dict[str, Any]:
    """The same for what stands in the address behind the question mark."""
    serializer = shape(data=request.query_params.dict())
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found
