"""Where a turn's words come from: the cache, an equal turn that is being answered, or the model alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from time import perf_counter
from uuid import UUID

from apps.chat import replies
from apps.chat.flights import Asked, Flights, Listener
from apps.chat.replies import Question, Use, Words
from apps.core import memory
from apps.core.memory import MemoryAway
from apps.llm.events import Chosen, Finished, RouterEvent, TextDelta
from apps.llm.messages import Call
from apps.llm.router import Target, router


def question_of(user_id: int, target: Target, call: Call) -> Question | None:
    """What the cache and equal turns know a call by; None where nobody knows yet which model answers."""
    known = router().settings
    places = (known.openai_base_urls, known.ollama_base_url, known.gemini_base_url)
    return replies.question_of(user_id=user_id, target=target, call=call, places=places)


@dataclass(frozen=True, slots=True)
class Told:
    """How the words were come by; `free` where no model wrote them for this turn."""

    cached: bool = False
    free: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """One call for one turn. `character_limit` ends answers that never end by themselves."""

    user_id: int
    turn_id: UUID
    target: Target
    call: Call
    use: Use
    character_limit: int

    async def tell(self, flights: Flights, listener: Listener) -> Told:
        """Let the listener hear everything up to the end. Raises `ProviderError`."""
        if self.use is Use.NONE or self.call.prefill:
            await self._tell_alone(listener)
            return Told()
        target = await router().named(self.target)
        question = question_of(self.user_id, target, replace(self.call, model=target.model))
        if question is None:
            await self._tell_and_keep(listener)
            return Told()
        asked = Asked(question, self._generate, self.character_limit, renew=self.use is Use.RENEW)
        flight = await flights.listen(asked, self.turn_id, listener)
        return Told(flight.cached, not flight.own or flight.leader != self.turn_id)

    def _generate(self, said: str) -> AsyncGenerator[RouterEvent, None]:
        """The model's answer, going on from what was said already."""
        return router().stream(self.target, replace(self.call, prefill=self.call.prefill + said), who=str(self.user_id))

    async def _tell_alone(self, listener: Listener) -> None:
        left = self.character_limit
        async with aclosing(self._generate("")) as events:
            async for event in events:
                listener(event)
                if isinstance(event, TextDelta):
                    left -= len(event.text)
                    if left < 0:
                        listener(Finished("length"))
                        return

    async def _tell_and_keep(self, listener: Listener) -> None:
        """For a model whose name nobody knew before it answered: the next one who asks finds the answer."""
        words, began = Words(), perf_counter()

        def listen_too(event: RouterEvent) -> None:
            words.hear(event)
            listener(event)

        await self._tell_alone(listen_too)
        chosen = next((event for event in words.events if isinstance(event, Chosen)), None)
        if chosen is None:
            return
        target, call = replace(self.target, model=chosen.model), replace(self.call, model=chosen.model)
        question = question_of(self.user_id, target, call)
        if question is not None:
            reply = replies.reply_from(question, words, total_ms=round((perf_counter() - began) * 1000))
            with suppress(MemoryAway):
                await memory.asked(replies.land, question, turn_id=self.turn_id, reply=reply)
