"""Answers that are sent while they are written, to browsers; programs with a key have `visits.py`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request

from apps.accounts.access import Access
from apps.accounts.authentication import caller
from apps.accounts.watch import watch
from apps.chat.telling import event_of_failure
from apps.chat.visits import NotSignedIn
from apps.core.errors import NitroError
from apps.core.failures import Failure

EVENTS = "text/event-stream"
STREAMED = OpenApiResponse(str, "Where `stream` is true: server-sent events.")
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event_stream(request: Request, pieces: AsyncGenerator[bytes, None]) -> StreamingHttpResponse:
    """The pieces as they come, for as long as who asked is signed in; what goes wrong is the last event."""
    access = Access(caller(request), session_key=request._request.session.session_key or "")
    return StreamingHttpResponse(told(allowed(pieces, access), request.path), content_type=EVENTS, headers=HEADERS)


async def allowed(pieces: AsyncGenerator[bytes, None], access: Access) -> AsyncGenerator[bytes, None]:
    """The pieces, and nothing more of them once the session has ended; closing them stops the model."""
    async with watch().over(access) as ended, aclosing(pieces):
        async for piece in pieces:
            if ended.is_set():
                raise NotSignedIn("You were signed out.", hint="Sign in again.")
            yield piece


async def told(pieces: AsyncGenerator[bytes, None], path: str) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece
    except NitroError as error:
        yield event_of_failure(Failure.of(error).at(path), path)
