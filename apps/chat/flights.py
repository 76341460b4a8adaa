"""Single flight: equal questions at the same time share one generation, or one look into the cache.

In one process the equal turns listen to one task. The first of them is known in Redis as the one that generates; other
processes follow its log, or are told what is said where there is none. Who stops listening leaves the others
undisturbed: another turn then stands for the generation, and where its whole process is gone, one of those who followed
goes on from the words that it has.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass
from uuid import UUID

from apps.chat import replies
from apps.chat.elsewhere import Following
from apps.chat.relays import Relay
from apps.chat.relaystore import Ending, Failure
from apps.chat.replies import Elsewhere, Question, Reply, Words
from apps.core import memory
from apps.core.memory import MemoryAway
from apps.llm.errors import ProviderError
from apps.llm.events import Chosen, Finished, ReasoningDelta, RouterEvent, TextDelta, Usage

logger = logging.getLogger(__name__)

ENDING_SECONDS = 1.0  # for which a question waits until an equal one that was stopped has left
MOST_RELAYS = 100  # at once in one process; who waits in vain generates by itself
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
        self.names = {turn_id}  # by which other processes may know it
        self.relays: dict[UUID, Relay] = {}  # those processes that wait for it, by the name that they know
        self._before = before
        self.task: asyncio.Task[None] | None = None
        self.listeners: dict[UUID, Listener] = {}
        self.cached = False  # it came from the cache
        self.own = True  # one of our own has to pay for it
        self._words = Words()
        self._length = 0
        self._joined = 0
        self._leads = False
        self._began = time.perf_counter()

    # --- who listens ---

    def join(self, turn_id: UUID, listener: Listener) -> None:
        """Tell the listener all that was heard so far, and from now on everything."""
        self._tell_so_far(listener)
        self._joined += bool(self.listeners or self.relays)
        self.listeners[turn_id] = listener

    def relay(self, name: UUID) -> Relay:
        """From now on tell everything to other processes too; nobody listens by that."""
        relay = self.relays[name] = Relay(name)
        self._tell_so_far(relay.take)
        return relay

    def _tell_so_far(self, listener: Listener) -> None:
        words = self._words
        for event in words.events:
            listener(event)
        if words.reasoning:
            listener(ReasoningDelta("".join(words.reasoning)))
        if words.texts:
            listener(TextDelta(words.text))

    async def leave(self, turn_id: UUID) -> None:
        """Listen no more. The last one out ends the generation, and waits until its model is free.

        While another process waits for it, it goes on.
        """
        self.listeners.pop(turn_id, None)
        if self.listeners:
            await self.hand_over()
        elif not self.relays and self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.wait([self.task])

    async def hand_over(self) -> None:
        """Let one who listens stand for the generation, where the one that did has left."""
        if self.leader in self.listeners:
            return
        before, self.leader = self.leader, next(iter(self.listeners))
        self.names.add(self.leader)
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
        """Tell what another process says. False where that ends without an answer, or says something else than we."""
        self.own = False
        following = Following(self.asked.question, turn_id, self._words)
        async with aclosing(following.events()) as events:
            async for event in events:
                self._hear(event)
                if isinstance(event, Finished):
                    self.own = following.alone  # whoever it was written for has left before the end
                    return True
        return False

    def _hear(self, event: RouterEvent) -> None:
        self._words.hear(event)
        if isinstance(event, TextDelta):
            self._length += len(event.text)
        for listener in tuple(self.listeners.values()):
            listener(event)
        for relay in self.relays.values():
            relay.take(event)

    def tell_the_end(self) -> None:
        """Tell the other processes how it ended."""
        for relay in self.relays.values():
            relay.end(self._ending())

    def _ending(self) -> Ending:
        task = self.task
        error = task.exception() if task is not None and not task.cancelled() else None
        if isinstance(error, ProviderError):
            return Ending(failure=Failure.of(error))
        whole = any(isinstance(event, Finished) for event in self._words.events)
        return Ending(whole=whole, alone=not self.listeners)

    async def _land(self, reply: Reply | None) -> None:
        """Be known as running no more, and keep the answer."""
        with suppress(MemoryAway):
            await memory.asked(replies.land, self.asked.question, turn_id=self.leader, reply=reply, joined=self._joined)


class Flights:
    """The flights of one event loop, by question. `tasks` are what is ended with the loop."""

    def __init__(self, tasks: set[asyncio.Task[None]]) -> None:
        self.flying: dict[str, Flight] = {}
        self._ending: dict[str, Flight] = {}
        self._tasks = tasks
        self._relaying = 0

    async def listen(self, asked: Asked, turn_id: UUID, listener: Listener) -> Flight:
        """Hear the answer to the end, be it one that is under way. Raises `ProviderError`.

        Who is cancelled leaves; the generation goes on where somebody else listens.
        """
        flight = None if asked.renew else self.flying.get(asked.question.digest)
        flight = flight or self._launch(asked, turn_id)
        flight.join(turn_id, listener)
        assert flight.task is not None  # noqa: S101 (launched above)
        try:
            await flight.hand_over()  # where the others have left, and it went on for another process
            await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if flight.listeners.keys() <= {turn_id} and not flight.relays:
                self._await_the_end(flight)
            await flight.leave(turn_id)
            raise
        return flight

    def relay(self, digest: str, name: UUID) -> None:
        """Another process waits for the answer to that question, which it knows by that name: if it is one of ours,
        tell it there for a while."""
        flight = self.flying.get(digest)
        if flight is None or name not in flight.names:
            return
        if name in flight.relays:
            flight.relays[name].wish()
        elif self._relaying < MOST_RELAYS:
            self._relaying += 1
            task = self._keep(flight.relay(name).run())
            task.add_done_callback(lambda ended: self._relayed(flight, name, ended))

    def _relayed(self, flight: Flight, name: UUID, task: asyncio.Task[None]) -> None:
        """Nobody waits for it there any more. Where nobody listens here either, that is the end of it."""
        self._relaying -= 1
        del flight.relays[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("An answer could not be relayed", exc_info=error)
        if not flight.listeners and not flight.relays and flight.task is not None:
            self._await_the_end(flight)
            flight.task.cancel()

    def _await_the_end(self, flight: Flight) -> None:
        """Nobody shall join what is about to end."""
        self._forget(flight)
        if flight.task is not None and not flight.task.done():
            self._ending[flight.asked.question.digest] = flight

    def _launch(self, asked: Asked, turn_id: UUID) -> Flight:
        flight = Flight(asked, turn_id, self._ending.get(asked.question.digest))
        if not asked.renew:
            self.flying[asked.question.digest] = flight
        flight.task = self._keep(flight.run())
        flight.task.add_done_callback(lambda ended: self._ended(flight, ended))
        return flight

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _ended(self, flight: Flight, task: asyncio.Task[None]) -> None:
        self._forget(flight)
        flight.tell_the_end()
        if not task.cancelled():
            task.exception()  # its listeners have heard it, or have all left

    def _forget(self, flight: Flight) -> None:
        digest = flight.asked.question.digest
        for known in (self.flying, self._ending):
            if known.get(digest) is flight:
                del known[digest]
