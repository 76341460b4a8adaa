"""A provider that follows a script: for tests and demonstrations, where each word must be known beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from apps.llm.errors import ProviderError
from apps.llm.events import Event, Finished, TextDelta, Usage
from apps.llm.messages import Call
from apps.llm.providers.base import ModelInfo, Provider
from apps.llm.settings import LlmSettings


def numbered(count: int) -> tuple[str, ...]:
    """Tokens `t00001 `, `t00002 ` …, so that loss and doubling can be counted."""
    return tuple(f"t{number:05d} " for number in range(1, count + 1))


@dataclass(frozen=True, slots=True)
class Script:
    """What the provider does when it is called: `failure` is raised after `fails_after` tokens."""

    tokens: Sequence[str] = numbered(100)
    delay: float = 0.0
    first_delay: float = 0.0
    failure: ProviderError | None = None
    fails_after: int = 0
    reason: Literal["stop", "length"] = "stop"


class Scripted(Provider):
    """Follows its scripts one after the other, the last one again and again. Keeps the calls it was given."""

    def __init__(self, *scripts: Script, kind: str = "scripted", context_window: int = 8192) -> None:
        self.kind = kind
        self.scripts = list(scripts) or [Script()]
        self.context_window = context_window
        self.calls: list[Call] = []
        self.running = 0
        self.away: ProviderError | None = None

    async def stream(self, call: Call) -> AsyncGenerator[Event, None]:
        self.calls.append(call)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        self.running += 1
        try:
            async with aclosing(_follow(script)) as events:
                async for event in events:
                    yield event
        finally:
            self.running -= 1

    async def models(self) -> list[ModelInfo]:
        if self.away is not None:
            raise self.away
        return [ModelInfo("numbers", context_window=self.context_window)]

    async def ready(self) -> bool:
        if self.away is not None:
            raise self.away
        return True

    async def close(self) -> None:
        """Nothing is open."""


async def _follow(script: Script) -> AsyncGenerator[Event, None]:
    await asyncio.sleep(script.first_delay)
    for place, token in enumerate(script.tokens):
        if script.failure is not None and place >= script.fails_after:
            raise script.failure
        if place:
            await asyncio.sleep(script.delay)
        yield TextDelta(token)
    if script.failure is not None:
        raise script.failure
    yield Usage(prompt_tokens=1, completion_tokens=len(script.tokens))
    yield Finished(script.reason)


def demonstration(settings: LlmSettings) -> list[Provider]:
    """Offered only where `LlmSettings.kinds` names it, which no environment variable does."""
    return [Scripted()] if "scripted" in settings.kinds else []
