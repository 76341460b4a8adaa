"""One question over the API: it becomes a turn like every other, and its answer is waited for or followed."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson

from apps.accounts.models import User
from apps.chat import conversation_services, frames, selectors, turns
from apps.chat.frames import Ask
from apps.chat.telling import event_of, frames_of
from apps.chat.turnlog import Delta, End, Item
from apps.chat.turns import Started
from apps.core.database import in_database
from apps.core.errors import DatabaseAway, Invalid, NitroError
from apps.core.idempotency import KeyReused, key_forget, key_remember
from apps.llm.errors import of_code

OURS = {"internal": 500, "restarting": 503}  # the statuses of failures that are none of a model's
NAMES = UUID("6e697472-6f00-4000-8000-000000000001")  # the space of ids that are made from an Idempotency-Key


@dataclass(frozen=True, slots=True)
class Question:
    """What a program asks. Without a conversation a new one is begun; `key` makes it safe to ask twice."""

    text: str
    conversation: UUID | None = None
    model: str = ""
    options: Mapping[str, float] = field(default_factory=dict)
    cache: bool = True
    search: bool = False
    attachments: tuple[UUID, ...] = ()
    stream: bool = False
    key: str = ""

    @property
    def begins_chat(self) -> bool:
        """Whether its chat can begin in the same step: nothing was sent before, neither pictures nor this question."""
        return self.conversation is None and not self.key and not self.attachments

    @property
    def mark(self) -> str:
        """What makes two questions with the same key the same; how the answer is sent is not part of it."""
        asked = asdict(replace(self, key="", stream=False))
        return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was saved and is being answered."""

    user: User
    conversation_id: UUID
    started: Started
    key: str = ""

    async def follow(self) -> AsyncGenerator[Item, None]:
        """The answer's items. Who goes before the end stops it, unless they may come back for it with their key."""
        items = await turns.attach(
            user=self.user, conversation_id=self.conversation_id, turn_id=self.started.turn_id, after=0, html=False
        )
        ended = False
        try:
            async with aclosing(items):
                async for item in items:
                    ended = isinstance(item, End)
                    yield item
        finally:
            if not ended and not self.key:
                await asyncio.shield(asyncio.ensure_future(self._stop()))

    async def _stop(self) -> None:
        await turns.stop(user=self.user, conversation_id=self.conversation_id, turn_id=self.started.turn_id)


class Failed(NitroError):
    """A model gave no answer; the question is saved, and can be asked again in its chat."""

    details: Mapping[str, str] = {}


def question_from(body: object, key: str = "") -> Question:
    """The question in a request's JSON. Raises `Invalid`, with the name of the field in `param`."""
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    return Question(
        text=frames.clean_text(body.get("message"), "message"),
        conversation=_uuid(body.get("conversation")),
        model=frames.model_name(body),
        options=frames.options(body.get("options")),
        cache=_boolean(body, "cache", default=True),
        search=_boolean(body, "search", default=False),
        attachments=frames.attachments(body),
        stream=_boolean(body, "stream", default=False),
        key=key,
    )


def _uuid(value: object) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(value) if isinstance(value, str) and len(value) <= 45 else UUID("")
    except ValueError as error:
        raise Invalid("'conversation' must be the id of a chat.", hint="Leave it out for a new chat.") from error


def _boolean(body: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise Invalid(f"'{name}' must be true or false.")
    return value


async def ask(*, user: User, question: Question) -> Asked:
    """Save the question and let a model answer it. Raises what `turns.start` raises, and `KeyReused`."""
    # Shielded: once it is saved it shall be answered, or be stopped by whoever follows it.
    return await asyncio.shield(asyncio.ensure_future(_ask(user, question)))


async def _ask(user: User, question: Question) -> Asked:
    if question.begins_chat:
        chat = uuid.uuid4()
        frame = _frame(user, question)
        return Asked(user, chat, await turns.start(user=user, conversation_id=chat, frame=frame, begins_chat=True))
    is_new = bool(question.key) and await in_database(_remember, user, question)
    try:
        return await _ask_in_chat(user, question)
    except NitroError:
        if is_new:  # nothing has begun: the same key may come with a repaired question
            with suppress(DatabaseAway):
                await in_database(key_forget, user_id=user.pk, key=question.key)
        raise


async def _ask_in_chat(user: User, question: Question) -> Asked:
    given = question.conversation
    conversation_id: UUID = given if given is not None else await in_database(_begin_chat, user, question)
    try:
        started = await turns.start(user=user, conversation_id=conversation_id, frame=_frame(user, question))
    except NitroError:
        if given is None and not question.key:  # nobody knows of this chat, and nothing is in it
            await in_database(conversation_services.conversation_delete, user=user, conversation_id=conversation_id)
        raise
    if question.key:
        await in_database(_check_same, user, conversation_id, started.question_id, question.text)
    return Asked(user, conversation_id, started, question.key)


def _remember(user: User, question: Question) -> bool:
    return key_remember(user_id=user.pk, key=question.key, mark=question.mark)


def _frame(user: User, question: Question) -> Ask:
    return Ask(
        id=_id_for(user, question, "question") if question.key else uuid.uuid4(),
        text=question.text,
        model=question.model,
        options=question.options,
        cache=question.cache,
        search=question.search,
        attachments=question.attachments,
    )


def _id_for(user: User, question: Question, what: str) -> UUID:
    return uuid.uuid5(NAMES, f"{what}:{user.pk}:{question.key}")


def _begin_chat(user: User, question: Question) -> UUID:
    """A new chat; with a key, the one that was begun with it."""
    if not question.key:
        return conversation_services.conversation_create(user=user, model=question.model).pk
    wanted = _id_for(user, question, "chat")
    return conversation_services.conversation_ensure(user=user, conversation_id=wanted, model=question.model).pk


def _check_same(user: User, conversation_id: UUID, question_id: UUID, text: str) -> None:
    message = selectors.message_get(user=user, conversation_id=conversation_id, message_id=question_id)
    if message.text != text:
        raise KeyReused("This Idempotency-Key was sent before, with another question.")


async def whole(asked: Asked) -> dict[str, Any]:
    """The whole answer, as JSON. Raises `Failed` where no model could answer."""
    words: list[str] = []
    end: End | None = None
    async with aclosing(asked.follow()) as items:
        async for item in items:
            if isinstance(item, Delta):
                words.append(item.text)
            elif isinstance(item, End):
                end = item
    if end is None or (end.error is not None):
        raise failed(asked, end.error if end is not None else None)
    return {
        "conversation": str(asked.conversation_id),
        "message": str(asked.started.answer_id),
        "text": "".join(words),
        **end.done,
    }


async def events(asked: Asked) -> AsyncGenerator[dict[str, Any], None]:
    """The answer as the websocket's frames."""
    started = asked.started
    yield {
        **frames.accepted(
            request=started.request_id, turn=started.turn_id, question=started.question_id, answer=started.answer_id
        ),
        "conversation": str(asked.conversation_id),
        "title": started.title,
    }
    turn = str(started.turn_id)
    async with aclosing(asked.follow()) as items:
        async for item in items:
            for frame in frames_of(turn, item):
                yield frame


async def pieces(asked: Asked) -> AsyncGenerator[bytes, None]:
    """The same as server-sent events."""
    async with aclosing(events(asked)) as found:
        async for frame in found:
            yield event_of(frame)


def failed(asked: Asked, error: Mapping[str, Any] | None) -> Failed:
    """What a turn said went wrong, with the status that belongs to its code."""
    told = error or {"code": "interrupted", "message": "The answer was cut off.", "hint": "Ask again."}
    problem = Failed(told["message"], code=told["code"], hint=told["hint"], retry_after=told.get("retry_after"))
    problem.status = OURS.get(told["code"]) or of_code(told["code"], "").status
    problem.details = {"conversation": str(asked.conversation_id), "message": str(asked.started.answer_id)}
    return problem
