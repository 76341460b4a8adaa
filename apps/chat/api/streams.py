"""Answers that are sent while they are written, to browsers; programs with a key have `visits.py`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request

from apps.chat.telling import event_of_failure
from apps.core.errors import NitroError
from apps.core.failures import Failure

EVENTS = "text/event-stream"
STREAMED = OpenApiResponse(str, "Where `stream` is true: server-sent events.")
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event_stream(request: Request, pieces: AsyncGenerator[bytes, None]) -> StreamingHttpResponse:
    """The pieces as they come; what goes wrong is the last event."""
    return StreamingHttpResponse(told(pieces, request.path), content_type=EVENTS, headers=HEADERS)


async def told(pieces: AsyncGenerator[bytes, None], path: str) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece
    except NitroError as error:
        yield event_of_failure(Failure.of(error).at(path), path)
