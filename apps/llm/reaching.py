"""Reaching one server: its answer, a sign of life where others could answer instead, and waiting for its model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from apps.llm.errors import Loading, ProviderError, TimedOut
from apps.llm.events import Event
from apps.llm.farm import Backend
from apps.llm.messages import Call

GRACE = 0.3  # seconds that a server may say nothing before it is knocked at …
KNOCK = 0.5  # … and seconds that it has to answer the knock
HEARD = 2.0  # seconds for which a server that said something is believed to be there
POLL = 0.25


async def answer(backend: Backend, call: Call, *, watched: bool) -> AsyncGenerator[Event, None]:
    """The server's answer. Where it is `watched`, a server that is not even there fails within a second.

    A model may think for half a minute before its first word, so silence alone says nothing: while the question waits,
    the server is asked something that any model server answers at once. One on the internet may take longer for that
    than its model for a first word, and is given its own time.
    """
    with backend.busy():
        async with aclosing(backend.provider.stream(call)) as events:
            if watched and backend.provider.near and not backend.heard_within(HEARD):
                yield await _first(backend, events)
            async for event in events:
                yield event


async def _first(backend: Backend, events: AsyncGenerator[Event, None]) -> Event:
    """The first event. Raises `TimedOut` where neither it nor an answer to a knock comes."""
    waiting = asyncio.ensure_future(anext(events))
    try:
        await asyncio.wait([waiting], timeout=GRACE)
        if not waiting.done():
            await _knock(backend, waiting)
        return await waiting
    finally:
        if not waiting.done():
            waiting.cancel()
            await asyncio.wait([waiting])


async def _knock(backend: Backend, waiting: asyncio.Future[Any]) -> None:
    knocking: asyncio.Future[Any] = asyncio.ensure_future(backend.provider.ready())
    try:
        await asyncio.wait({waiting, knocking}, timeout=KNOCK, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done() or (knocking.done() and not isinstance(knocking.exception(), ProviderError)):
            return
    finally:
        knocking.cancel()
        await asyncio.wait([knocking])
    failure = TimedOut("The model server takes questions and says nothing, or cannot be reached.")
    backend.gone(failure)
    raise failure


async def until_ready(backend: Backend, give_up: float) -> None:
    """Poll until the model is loaded. Raises what the provider says when it is away, `TimedOut` at the given time."""
    while time.monotonic() < give_up:
        await asyncio.sleep(POLL)
        try:
            if await backend.provider.ready():
                return
        except ProviderError as failure:
            if not (isinstance(failure, Loading) or backend.is_starting(failure)):
                raise
    raise TimedOut("The model was not loaded in time.")
