"""From a question of OpenAI's form to its answer, through the same router and its gate as every chat."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from apps.accounts.models import User
from apps.chat.completions import sharing
from apps.chat.completions.chunks import Chunks, Whole
from apps.chat.completions.errors import Unacceptable
from apps.chat.completions.keeping import completion_keep
from apps.chat.completions.ledger import ledger
from apps.chat.completions.tally import Tally
from apps.chat.completions.wire import Asked
from apps.chat.underway import underway
from apps.core import draining
from apps.core.database import in_database
from apps.core.errors import Busy
from apps.llm.events import Chosen, ReasoningDelta, RouterEvent, TextDelta, ToolCall, Usage
from apps.llm.messages import Call
from apps.llm.router import router


async def whole(*, user: User, asked: Asked) -> dict[str, Any]:
    """The whole answer, as JSON. Raises a `ProviderError`, and `Busy` while the server shuts down."""
    tally, answer = Tally(asked.messages, keeps=asked.store), Whole()
    async with aclosing(_events(user, asked, tally)) as events:
        async for event in events:
            match event:
                case TextDelta(text):
                    answer.texts.append(text)
                case ReasoningDelta(text):
                    answer.thoughts.append(text)
                case ToolCall():
                    answer.calls.append(event)
    return answer.json(Chunks(model_of(tally)), tally.reason, tally.usage) | cached_mark(tally)


async def pieces(*, user: User, asked: Asked) -> AsyncGenerator[bytes, None]:
    """The answer as server-sent events. What goes wrong before the first one is raised, and told afterwards."""
    tally = Tally(asked.messages, keeps=asked.store)
    chunks: Chunks | None = None
    async with aclosing(_events(user, asked, tally)) as events:
        async for event in events:
            piece = b""
            if chunks is None and not isinstance(event, Chosen):
                if tally.chosen is None:
                    continue  # nobody answers yet: it waits, or the model is being loaded
                chunks = Chunks(model_of(tally), asked.include_usage)
                piece = chunks.first()
            if chunks is not None:
                piece += _piece(chunks, event)
            if piece:
                yield piece
    chunks = chunks or Chunks(model_of(tally), asked.include_usage)
    yield chunks.last(tally.reason, tally.usage, cached_mark(tally))


def _piece(chunks: Chunks, event: RouterEvent) -> bytes:
    match event:
        case TextDelta(text):
            return chunks.text(text)
        case ReasoningDelta(text):
            return chunks.reasoning(text)
        case ToolCall():
            return chunks.tool_call(event)
    return b""


def cached_mark(tally: Tally) -> dict[str, bool]:
    """A field beside OpenAI's own, only where the answer came from memory."""
    return {"cached": True} if tally.cached else {}


def model_of(tally: Tally) -> str:
    return tally.chosen.model if tally.chosen is not None else ""


async def _events(user: User, asked: Asked, tally: Tally) -> AsyncGenerator[RouterEvent, None]:
    """What the router says; tokens are counted however it ends."""
    if draining.is_draining():
        raise Busy("The server is restarting.", code="restarting", hint="It is back in a moment.", retry_after=1)
    target = router().resolve(asked.model)
    if any(message.images for message in asked.messages) and not router().sees(target):
        raise Unacceptable("messages", "This model cannot look at pictures.", code="unsupported_value")
    call = Call(
        target.model,
        asked.messages,
        asked.options,
        response_format=asked.response_format,
        tools=asked.tools,
        tool_choice=asked.tool_choice,
    )
    told = sharing.events_of(user=user, asked=asked, target=target, call=call, tally=tally)
    async with underway(user_id=user.pk), _charged(user, tally), aclosing(told) as events:
        async for event in events:
            tally.take(event)
            yield event
    if asked.store:
        await in_database(completion_keep, user=user, asked=asked, text="".join(tally.words))


@asynccontextmanager
async def _charged(user: User, tally: Tally) -> AsyncGenerator[None]:
    """However the answer ends, what it took is put on its user's day before it counts no longer as being written.

    One from memory is a message without tokens, as in chats.
    """
    try:
        yield
    finally:
        if tally.chosen is not None:
            await ledger().charge(user.pk, Usage(0, 0) if tally.free else tally.usage)
