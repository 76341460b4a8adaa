"""An equal answer that another process writes, heard as events: a turn's from its log, any other one from a relay."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from apps.chat import relays, replay, selectors
from apps.chat.models import Turn
from apps.chat.relaystore import Ending
from apps.chat.replies import Question, Words
from apps.chat.turnlog import Delta, End, Status, Thought
from apps.core.database import in_database
from apps.llm.errors import of_code
from apps.llm.events import Chosen, Finished, Progress, ReasoningDelta, RouterEvent, TextDelta, Usage


class Following:
    """What is under way as `turn_id` in another process. `words` are ours so far, and grow while this is heard."""

    def __init__(self, question: Question, turn_id: UUID, words: Words) -> None:
        self.question = question
        self.turn_id = turn_id
        self.alone = False  # in the other process nobody heard the end
        self._words = words
        self._said = words.text  # what the other one has yet to repeat
        self._thought = sum(len(part) for part in words.reasoning)

    async def events(self) -> AsyncGenerator[RouterEvent, None]:
        """Everything that was not told before, with `Finished` at the end of a whole answer.

        Without it the other one ended without an answer, or says something else than we did. Raises `ProviderError`
        where the model failed.
        """
        question = self.question
        user_id = None if question.shared else question.user_id
        turn = await in_database(selectors.turn_of_equal, turn_id=self.turn_id, user_id=user_id)
        async with aclosing(self._of_a_relay() if turn is None else self._of_a_turn(turn)) as events:
            async for event in events:
                yield event

    # --- a turn ---

    async def _of_a_turn(self, turn: Turn) -> AsyncGenerator[RouterEvent, None]:
        async with aclosing(replay.follow(turn, 0, html=False)) as items:
            async for item in items:
                if isinstance(item, End):
                    for event in () if self._said else _last_events(item):
                        yield event
                    return
                if isinstance(item, Delta) and not self._agrees(item.text):
                    return
                for event in self._events_of(item):
                    yield event

    def _events_of(self, item: Delta | Thought | Status) -> list[RouterEvent]:
        """Before the first word it is said who answers; the end says it anew, should another one have stood in."""
        match item:
            case Status(state, position):
                return [] if self._words.texts else [_progress(state, position)]
            case Thought(at, text):
                rest: list[RouterEvent] = _thoughts(text[max(0, self._told_thoughts() - at) :])
            case Delta(text=text):
                rest = self._texts(text)
        known = any(isinstance(event, Chosen) for event in self._words.events)
        return rest if known or not rest else [Chosen(self.question.provider, self.question.model), *rest]

    def _told_thoughts(self) -> int:
        return sum(len(part) for part in self._words.reasoning)

    # --- any other answer ---

    async def _of_a_relay(self) -> AsyncGenerator[RouterEvent, None]:
        last: Finished | None = None
        async with aclosing(relays.follow(self.question, self.turn_id)) as entries:
            async for entry in entries:
                for event in entry.events:
                    if isinstance(event, Finished):
                        last = event
                        continue
                    if isinstance(event, TextDelta) and not self._agrees(event.text):
                        return
                    for rest in self._rest_of(event):
                        yield rest
                if entry.ending is not None:
                    self._end_like(entry.ending)
        if last is not None and not self._said:
            yield last

    def _rest_of(self, event: RouterEvent) -> list[RouterEvent]:
        """What of an event is new to our listeners, where the other one begins at its beginning."""
        match event:
            case TextDelta(text):
                return self._texts(text)
            case ReasoningDelta(text):
                rest, self._thought = text[self._thought :], max(0, self._thought - len(text))
                return _thoughts(rest)
            case Progress() if self._words.texts:
                return []
        return [event]

    def _end_like(self, ending: Ending) -> None:
        self.alone = ending.alone
        if ending.failure is not None:
            raise ending.failure.error()

    # --- what was told before ---

    def _agrees(self, text: str) -> bool:
        """Whether the other's next words are those that we have told already, as far as both go."""
        return self._said.startswith(text) or text.startswith(self._said)

    def _texts(self, text: str) -> list[RouterEvent]:
        rest, self._said = text[len(self._said) :], self._said[len(text) :]
        return [TextDelta(rest)] if rest else []


def _thoughts(rest: str) -> list[RouterEvent]:
    return [ReasoningDelta(rest)] if rest else []


def _last_events(end: End) -> list[RouterEvent]:
    """As the other turn ended; nothing where it was stopped or interrupted, which is nothing to us."""
    done, error = end.done, end.error or {}
    reason, usage = done["finish_reason"], done["usage"]
    if reason == "failed":
        message = str(error.get("message") or "The model failed.")
        raise of_code(error.get("code", ""), message, hint=error.get("hint", ""), retry_after=error.get("retry_after"))
    if reason not in {"stop", "length"}:
        return []
    stood_in = done.get("fallback_from", ""), done.get("fallback_reason", "")
    chosen = Chosen(done["provider"], done["model"], *stood_in)
    return [chosen, Usage(usage["prompt_tokens"] or 0, usage["completion_tokens"] or 0), Finished(reason)]


def _progress(state: str, position: int | None) -> Progress:
    return Progress(state, position)  # type: ignore[arg-type]  # it was one when the other process wrote it
