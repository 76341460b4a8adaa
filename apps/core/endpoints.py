"""What views of the API have in common: one class per address, one method per operation, each short.

A view names the `scope` that a key needs there and the `tag` under which the documentation lists it. What comes in goes
through a serializer of its own (`given`), what goes out through another one; rows are reached through selectors and
services alone, with the user first, so that others' rows are never found: 404.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import async_to_sync
from django.db import connection, connections
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

P = ParamSpec("P")
T = TypeVar("T")


class Endpoint(APIView):
    """The base of all of Nitro's own views. A key needs `scope`; for reading alone, `scope:read` is enough.

    A view that `waits` for a model gets a thread of its own, so that it keeps no page waiting.
    """

    scope: str = ""
    tag: str = ""
    waits: bool = False

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        """Whatever a client says that it accepts, it gets what there is: OpenAI's asks for speech as a plain file."""
        return super().perform_content_negotiation(request, force=True)


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


def waited(function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Wait for something asynchronous in a view, without keeping a database connection meanwhile."""
    if not connection.in_atomic_block:
        connections.close_all()
    call: Callable[P, T] = async_to_sync(function)
    return call(*args, **kwargs)
