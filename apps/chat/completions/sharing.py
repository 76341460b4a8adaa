"""Where the words of an answer of OpenAI's form come from: memory, an equal question under way, or the model alone."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from apps.accounts.models import User
from apps.chat import replies, turns
from apps.chat.completions.tally import Tally
from apps.chat.completions.wire import Asked
from apps.chat.replies import Use
from apps.chat.sources import Source, Told
from apps.llm.events import RouterEvent
from apps.llm.messages import Call
from apps.llm.router import Target, router

CHARACTER_LIMIT = 1_000_000


def use_of(asked: Asked) -> Use:
    """A question with tools always asks the model: what they do cannot be remembered."""
    return replies.use_of(kind="ask", wanted=asked.cache and not asked.tools)


async def events_of(
    *, user: User, asked: Asked, target: Target, call: Call, tally: Tally
) -> AsyncGenerator[RouterEvent, None]:
    """Everything up to the end. Closing it leaves the others who listen undisturbed. Raises `ProviderError`."""
    use = use_of(asked)
    if use is Use.NONE:
        async with aclosing(router().stream(target, call, who=str(user.pk))) as alone:
            async for event in alone:
                yield event
        return
    source = Source(user.pk, uuid.uuid4(), target, call, use, CHARACTER_LIMIT)
    async with aclosing(_heard(source, tally)) as shared:
        async for event in shared:
            yield event


async def _heard(source: Source, tally: Tally) -> AsyncGenerator[RouterEvent, None]:
    """What a listener is told, as an iterator."""
    events: asyncio.Queue[RouterEvent | None] = asyncio.Queue()
    telling = asyncio.ensure_future(source.tell(turns.running_turns().flights, events.put_nowait))
    telling.add_done_callback(partial(_end, events))
    try:
        while (event := await events.get()) is not None:
            yield event
        told = telling.result()
        tally.cached, tally.free = told.cached, told.free
    finally:
        if not telling.done():
            telling.cancel()
            await asyncio.wait([telling])


def _end(events: asyncio.Queue[RouterEvent | None], telling: asyncio.Future[Told]) -> None:
    events.put_nowait(None)
