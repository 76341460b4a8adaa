"""Short ways to ask a provider or a router, and to look at what came back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import ParamSpec, Protocol, TypeVar

from apps.llm.errors import ProviderError
from apps.llm.events import Event, Progress, ReasoningDelta, RouterEvent, TextDelta
from apps.llm.messages import Call, Message, Options, Role


class Closable(Protocol):
    """A provider, a router, a gate."""

    async def close(self) -> None: ...


P = ParamSpec("P")
Made = TypeVar("Made", bound=Closable)
AnyEvent = TypeVar("AnyEvent", bound=RouterEvent)
PATIENCE = 10.0


@asynccontextmanager
async def each_closed(make: Callable[P, Made]) -> AsyncIterator[Callable[P, Made]]:
    """A way to make the same things, all of which are closed in the end."""
    made: list[Made] = []

    def build(*args: P.args, **kwargs: P.kwargs) -> Made:
        made.append(make(*args, **kwargs))
        return made[-1]

    yield build
    for one in made:
        await one.close()


def question(text: str = "Hello", *, model: str = "stand-in", max_tokens: int = 500, prefill: str = "") -> Call:
    """A call with one question in it."""
    options = Options(max_tokens=max_tokens, temperature=0.0)
    return Call(model, (Message(Role.USER, text),), options, prefill)


async def collect(events: AsyncGenerator[AnyEvent, None]) -> list[AnyEvent]:
    """All events until the end."""
    async with aclosing(events):
        return [event async for event in events]


async def failing(events: AsyncGenerator[AnyEvent, None]) -> tuple[list[AnyEvent], ProviderError]:
    """The events before an answer fails, and its error."""
    said: list[AnyEvent] = []
    try:
        async with aclosing(events):
            async for event in events:
                said.append(event)
    except ProviderError as failure:
        return said, failure
    raise AssertionError(f"It did not fail but said {said}")


def text_of(events: Iterable[RouterEvent]) -> str:
    """The answer's words."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def states_of(events: Iterable[RouterEvent]) -> list[str]:
    """What the router said before the first word."""
    return [event.state for event in events if isinstance(event, Progress)]


def merged(events: Iterable[Event]) -> list[Event]:
    """The same events with neighbouring deltas joined: what is left does not depend on how the network cut them."""
    result: list[Event] = []
    for event in events:
        last = result[-1] if result else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            result[-1] = TextDelta(last.text + event.text)
        elif isinstance(event, ReasoningDelta) and isinstance(last, ReasoningDelta):
            result[-1] = ReasoningDelta(last.text + event.text)
        else:
            result.append(event)
    return result


async def until(true: Callable[[], Awaitable[bool] | bool], seconds: float = PATIENCE) -> None:
    """Ask again and again until it is true; fails when that takes too long."""
    async with asyncio.timeout(seconds):
        while True:
            said = true()
            if said if isinstance(said, bool) else await said:
                return
            await asyncio.sleep(0.01)
