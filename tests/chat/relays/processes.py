"""Several processes in one, as far as shared answers are concerned, and a model that says what it is told to say."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from apps.chat import relays
from apps.chat.flights import Asked, Flight, Flights
from apps.chat.replies import Question
from apps.core import memory, news
from apps.llm.events import Chosen, Finished, ReasoningDelta, RouterEvent, TextDelta, Usage
from tests.chat.flying import until

CANCEL_SECONDS = 0.5
PATIENCE = 30.0  # with an answer that never ends
LIMIT = 1_000_000


class Model:
    """Says, to whoever asks next or is listening, what a test puts into its mouth."""

    def __init__(self) -> None:
        self.prefills: list[str] = []  # one for each call
        self.running = 0
        self._mouth: asyncio.Queue[RouterEvent | Exception] = asyncio.Queue()

    def says(self, *texts: str) -> None:
        for text in texts:
            self._mouth.put_nowait(TextDelta(text))

    def does(self, *events: RouterEvent | Exception) -> None:
        for event in events:
            self._mouth.put_nowait(event)

    def ends(self) -> None:
        self.does(Usage(3, 4), Finished("stop"))

    async def generate(self, said: str) -> AsyncGenerator[RouterEvent, None]:
        self.prefills.append(said)
        self.running += 1
        try:
            yield Chosen("scripted", "numbers")
            while True:
                event = await self._mouth.get()
                if isinstance(event, Exception):
                    raise event
                yield event
                if isinstance(event, Finished):
                    return
        finally:
            self.running -= 1


@dataclass
class Ear:
    """Somebody who listens to an answer."""

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    events: list[RouterEvent] = field(default_factory=list)
    hearing: asyncio.Task[Flight] = field(init=False)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    @property
    def reasoning(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, ReasoningDelta))

    async def leave(self) -> None:
        self.hearing.cancel()
        await asyncio.wait([self.hearing])


class Process:
    """One process that hears the news. `dies` is kill -9: it stops in the middle, and cleans nothing up."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self.flights = Flights(self.tasks)
        self._listening = asyncio.ensure_future(news.listen(self._hear))

    def _hear(self, item: dict[str, str]) -> None:
        if item["kind"] == relays.NEWS:
            self.flights.relay(item["digest"], uuid.UUID(item["turn"]))

    def hears(self, question: Question, model: Model) -> Ear:
        """Somebody asks here."""
        ear = Ear()
        asked = Asked(question, model.generate, LIMIT)
        hearing = self.flights.listen(asked, ear.id, ear.events.append)
        ear.hearing = asyncio.ensure_future(asyncio.wait_for(hearing, PATIENCE))
        return ear

    def flight(self, question: Question) -> Flight:
        return self.flights.flying[question.digest]

    def follows(self, question: Question) -> bool:
        """Whether it has found that somebody else answers."""
        return question.digest in self.flights.flying and not self.flight(question).own

    async def dies(self) -> None:
        self._listening.cancel()
        while left := [*self.tasks, *([self._listening] if not self._listening.done() else [])]:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=CANCEL_SECONDS)


def question_of(user_id: int = 1) -> Question:
    """One that nobody has asked before."""
    return Question(user_id, "scripted", "numbers", uuid.uuid4().hex)


async def leading(process: Process, question: Question, model: Model) -> Ear:
    """The first who asks: Redis knows it."""
    ear = process.hears(question, model)
    await until(lambda: model.running)
    return ear


async def relayed(process: Process, question: Question) -> None:
    await until(lambda: process.flight(question).relays)


async def kept(pattern: str = "nitro:relay:*") -> list[bytes]:
    return await memory.asked(memory.ask, lambda redis: list(redis.scan_iter(pattern)))
