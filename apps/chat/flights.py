"""Single flight: equal questions at the same time share one generation, or one look into the cache.

In one process the equal turns listen to one task. The first of them is known in Redis as the one that generates; other
processes follow its log. Who stops listening leaves the others undisturbed: another turn then stands for the
generation, and where its whole process is gone, one of those who followed goes on from the words that it has.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from uuid import UUID

from apps.chat import replay, replies, selectors
from apps.chat.replies import Elsewhere, Question, Reply, Words
from apps.chat.turnlog import Delta, End, Status, Thought
from apps.core import memory
from apps.core.database import in_database
from apps.core.memory import MemoryAway
from apps.llm.errors import ProviderError
from apps.llm.events import Chosen, Finished, Progress, ReasoningDelta, RouterEvent, TextDelta, Usage

ENDING_SECONDS = 1.0  # for which a question waits until an equal one that was stopped has left
Listener = Callable[[RouterEvent], None]
Generate = Callable[[str], AsyncGenerator[RouterEvent, None]]  # takes the words that are there already


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on its way to a model: how to let the model answer, and how many characters are enough."""

    question: Question
    generate: Generate
    character_limit: int
    renew: bool = False  # ask the model whatever is stored


class Flight:
    """One answer on its way to all who asked for it. `before` is an equal one that everybody has left."""

    def __init__(self, asked: Asked, turn_id: UUID, before: Flight | None = None) -> None:
        self.asked = asked
        self.leader = turn_id
        self._before = before
        self.task: asyncio.Task[None] | None = None
        self.listeners: dict[UUID, Listener] = {}
        self.cached = False  # it came from the cache
        self.own = True  # it came from our own generation, in one piece
        self._words = Words()
        self._length = 0
        self._joined = 0
        self._leads = False
        self._began = time.perf_counter()

    # --- who listens ---

    def join(self, turn_id: UUID, listener: Listener) -> None:
        """Tell the listener all that was heard so far, and from now on everything."""
        words = self._words
        for event in words.events:
            listener(event)
        if words.reasoning:
            listener(ReasoningDelta("".join(words.reasoning)))
        if words.texts:
            listener(TextDelta(words.text))
        self._joined += bool(self.listeners)
        self.listeners[turn_id] = listener

    async def leave(self, turn_id: UUID) -> None:
        """Listen no more. The last one out ends the generation, and waits until its model is free."""
        self.listeners.pop(turn_id, None)
        if self.listeners:
            if turn_id == self.leader:
                await self._hand_over()
        elif self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.wait([self.task])

    async def _hand_over(self) -> None:
        before, self.leader = self.leader, next(iter(self.listeners))
        with suppress(MemoryAway):
            await memory.asked(replies.hand_over, self.asked.question, turn_id=before, to=self.leader)

    # --- where the words come from ---

    async def run(self) -> None:
        """The whole flight. Raises `ProviderError`, which all listeners hear."""
        reply: Reply | None = None
        try:
            reply = await (self._ask_the_model() if self.asked.renew else self._fly())
        finally:
            if self._leads or reply is not None:
                await self._land(reply)

    async def _fly(self) -> Reply | None:
        """Get the answer from wherever it is; returns what shall be kept of it."""
        if self._before is not None and self._before.task is not None:  # else its words would be the first of these
            await asyncio.wait([self._before.task], timeout=ENDING_SECONDS)
            self._before = None
        over: UUID | None = None
        while True:
            found = await self._look(over)
            if isinstance(found, Reply):
                self._recall(found)
                return None
            if found is None:
                return await self._ask_the_model()
            if await self._follow(found.turn_id):
                return None
            over = found.turn_id

    async def _look(self, over: UUID | None) -> Reply | Elsewhere | None:
        """As `replies.look`; None also without Redis, and for an answer that is of no use after others' words."""
        try:
            found = await memory.asked(replies.look, self.asked.question, turn_id=self.leader, over=over)
        except MemoryAway:
            return None
        self._leads = found is None
        return None if isinstance(found, Reply) and self._words.texts else found

    def _recall(self, reply: Reply) -> None:
        self.cached, self.own = True, False
        self._hear(Chosen(reply.provider, reply.model))
        if reply.reasoning:
            self._hear(ReasoningDelta(reply.reasoning))
        self._hear(TextDelta(reply.text))
        self._hear(Usage(reply.prompt_tokens, reply.completion_tokens))
        self._hear(Finished("stop"))

    async def _ask_the_model(self) -> Reply | None:
        said = self._words.text
        self.own = not said
        async with aclosing(self.asked.generate(said)) as events:
            async for event in events:
                self._hear(event)
                if self._length > self.asked.character_limit:
                    self._hear(Finished("length"))
                    return None
        if not self.own:
            return None
        took = round((time.perf_counter() - self._began) * 1000)
        return replies.reply_from(self.asked.question, self._words, total_ms=took)

    async def _follow(self, turn_id: UUID) -> bool:
        """Tell what another turn says. False where it ended without an answer, or says something else than we did."""
        self.own = False
        question = self.asked.question
        user_id = None if question.shared else question.user_id
        turn = await in_database(selectors.turn_of_equal, turn_id=turn_id, user_id=user_id)
        if turn is None:
            return False
        said = self._words.text
        async with aclosing(replay.follow(turn, 0, html=False)) as items:
            async for item in items:
                match item:
                    case End():
                        return not said and self._end_like(item)
                    case Thought(at, text):
                        self._hear_thought(at, text)
                    case Status(state, position) if not self._words.texts:
                        self._hear(_progress(state, position))
                    case Delta(text=text):
                        if not _agree(said, text):
                            return False
                        if rest := text[len(said) :]:
                            self._hear(TextDelta(rest))
                        said = said[len(text) :]
        return False

    def _hear_thought(self, at: int, text: str) -> None:
        """Tell of the other's thinking what was not told before."""
        known = sum(len(part) for part in self._words.reasoning)
        if rest := text[max(0, known - at) :]:
            self._hear(ReasoningDelta(rest))

    def _end_like(self, end: End) -> bool:
        """End as the other turn did; False where it was stopped or interrupted, which is nothing to us."""
        done, error = end.done, end.error or {}
        reason, usage = done["finish_reason"], done["usage"]
        if reason == "failed":
            message = str(error.get("message") or "The model failed.")
            raise ProviderError(message, code=error.get("code", ""), hint=error.get("hint", ""))
        if reason not in {"stop", "length"}:
            return False
        stood_in = done.get("fallback_from", ""), done.get("fallback_reason", "")
        self._hear(Chosen(done["provider"], done["model"], *stood_in))
        self._hear(Usage(usage["prompt_tokens"] or 0, usage["completion_tokens"] or 0))
        self._hear(Finished(reason))
        return True

    def _hear(self, event: RouterEvent) -> None:
        self._words.hear(event)
        if isinstance(event, TextDelta):
            self._length += len(event.text)
        for listener in tuple(self.listeners.values()):
            listener(event)

    async def _land(self, reply: Reply | None) -> None:
        """Be known as running no more, and keep the answer."""
        with suppress(MemoryAway):
            await memory.asked(replies.land, self.asked.question, turn_id=self.leader, reply=reply, joined=self._joined)


def _progress(state: str, position: int | None) -> Progress:
    return Progress(state, position)  # type: ignore[arg-type]  # it was one when the other process wrote it


def _agree(said: str, text: str) -> bool:
    """Whether one of two texts begins with the other."""
    return said.startswith(text) or text.startswith(said)


class Flights:
    """The flights of one event loop, by question. `tasks` are what is ended with the loop."""

    def __init__(self, tasks: set[asyncio.Task[None]]) -> None:
        self.flying: dict[str, Flight] = {}
        self._ending: dict[str, Flight] = {}
        self._tasks = tasks

    async def listen(self, asked: Asked, turn_id: UUID, listener: Listener) -> Flight:
        """Hear the answer to the end, be it one that is under way. Raises `ProviderError`.

        Who is cancelled leaves; the generation goes on where somebody else listens.
        """
        flight = None if asked.renew else self.flying.get(asked.question.digest)
        flight = flight or self._launch(asked, turn_id)
        flight.join(turn_id, listener)
        assert flight.task is not None  # noqa: S101 (launched above)
        try:
            await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if flight.listeners.keys() <= {turn_id}:
                self._forget(flight)  # nobody shall join what is about to end
                if not flight.task.done():
                    self._ending[asked.question.digest] = flight
            await flight.leave(turn_id)
            raise
        return flight

    def _launch(self, asked: Asked, turn_id: UUID) -> Flight:
        flight = Flight(asked, turn_id, self._ending.get(asked.question.digest))
        if not asked.renew:
            self.flying[asked.question.digest] = flight
        task: asyncio.Task[None] = asyncio.ensure_future(flight.run())
        flight.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda ended: self._ended(flight, ended))
        return flight

    def _ended(self, flight: Flight, task: asyncio.Task[None]) -> None:
        self._forget(flight)
        if not task.cancelled():
            task.exception()  # its listeners have heard it, or have all left

    def _forget(self, flight: Flight) -> None:
        digest = flight.asked.question.digest
        for known in (self.flying, self._ending):
            if known.get(digest) is flight:
                del known[digest]
