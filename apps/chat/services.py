"""Writes of turns, from beginning to end. Whoever calls names the user; rows of others are never reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import orjson
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.chat import attachments, selectors, statements
from apps.chat.models import Conversation, Message, Turn
from apps.chat.statements import Place
from apps.chat.titles import title_from
from apps.core.errors import Busy, Invalid, NotFound

LEASE = timedelta(seconds=20)
MOST_MOVES = 50  # questions that may overtake one in the same chat while it is being saved


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended: everything that its rows keep."""

    state: str
    finish_reason: str
    text: str
    html: str = ""
    html_version: int = 0
    reasoning: str = ""
    tool_calls: Sequence[Mapping[str, str]] = ()
    marks: Sequence[int] = ()
    columns: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn that is saved. `created` is False where the same request had begun it before.

    `outcome` is its end, where that was saved with its beginning.
    """

    turn: Turn
    created: bool
    title: str
    system_prompt: str
    options: Mapping[str, float] = field(default_factory=dict)
    outcome: Outcome | None = None


Recall = Callable[[Begun], Outcome | None]  # looks at what is about to be saved; returns its end where that is known


# --- the beginning of a turn -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What every kind of turn needs to begin: who asks, where, the id the client gave, and who will run it."""

    user_id: int
    conversation_id: UUID
    id: UUID
    owner: str
    choice: str = ""
    begins_chat: bool = False  # nobody knows the chat yet: it is to begin with this question
    system_prompt: str = ""  # what its user wants every model to know, as of this request; for a chat that begins


class _Moved(Exception):
    """The conversation's shown path was moved by somebody else between reading and writing."""


def nothing_recalled(begun: Begun) -> None:
    """A model shall answer."""


def turn_ask(
    *, request: Request, text: str, attachment_ids: Sequence[UUID] = (), recall: Recall = nothing_recalled
) -> Begun:
    """Save a question below the shown path, an answer and a turn: all of it or nothing.

    The answer is empty, unless `recall` knows it: then the turn is over as soon as it is saved.
    """
    if request.begins_chat:
        # IntegrityError: a try whose confirmation was lost has begun it; the next look finds it.
        with suppress(IntegrityError):
            return _ask_first(request, text, recall)
    for _ in range(MOST_MOVES):
        # IntegrityError: the same request was just begun by somebody else; the next look finds it.
        with suppress(_Moved, IntegrityError):
            return _ask(request, text, attachment_ids, recall)
    raise Busy("Too many questions at once in this chat.", hint="Ask again in a moment.", retry_after=1)


def _ask_first(request: Request, text: str, recall: Recall) -> Begun:
    """A chat and its first question in one step, which asks nothing of the database before."""
    place = Place(request.conversation_id, "", request.choice, "", leaf_id=None)
    question = _question(place, parent_id=None, position=0, text=text)
    turn = _turn(request, place, question, _answer(question), Turn.Kind.ASK)
    new = [question, turn.answer]
    begun, ended = _recalled(Begun(turn, True, title_from(text), request.system_prompt), recall)
    prompt = statements.begin_first(
        turn,
        user_id=request.user_id,
        model=request.choice,
        new=new,
        title=begun.title,
        ended=ended,
    )
    if prompt is None:
        raise NotFound("There is no such chat.")
    _saved(turn, new)
    return replace(begun, system_prompt=prompt)


def _ask(request: Request, text: str, attachment_ids: Sequence[UUID], recall: Recall) -> Begun:
    place = _place(request)
    if place.begun is not None:
        return _begun_before(place, place.begun)
    position = 0 if place.leaf_position is None else place.leaf_position + 1
    question = _question(place, parent_id=place.leaf_id, position=position, text=text)
    if attachment_ids:
        attachments.attachments_claim(
            user_id=request.user_id, conversation_id=place.conversation_id, attachment_ids=attachment_ids
        )
        question.attachment_ids = list(attachment_ids)
    return _begin(request, place, question, Turn.Kind.ASK, new=[question], recall=recall)


def turn_edit(*, request: Request, message_id: UUID, text: str) -> Begun:
    """Save another version of a question, with an answer of its own."""
    with transaction.atomic():
        place = _lock(request)
        if place.begun is not None:
            return _begun_before(place, place.begun)
        old = _message(place, message_id, Message.Role.USER)
        question = _question(place, parent_id=old.parent_id, position=old.position, text=text)
        question.attachment_ids = old.attachment_ids
        return _begin(request, place, question, Turn.Kind.EDIT, new=[question])


def turn_retry(*, request: Request, message_id: UUID) -> Begun:
    """Save another, still empty, answer beside an answer."""
    with transaction.atomic():
        place = _lock(request)
        if place.begun is not None:
            return _begun_before(place, place.begun)
        old = _message(place, message_id, Message.Role.ASSISTANT)
        if old.parent is None:
            raise Invalid("That message answers no question.")
        return _begin(request, place, old.parent, Turn.Kind.RETRY, new=[])


def turn_continue(*, request: Request, turn_id: UUID) -> Begun:
    """Go on at the end of an answer that was cut, stopped or interrupted."""
    with transaction.atomic():
        place = _lock(request)
        if place.begun is not None:
            return _begun_before(place, place.begun)
        turns = Turn.objects.filter(id=turn_id, conversation=place.conversation_id)
        old = turns.select_related("answer", "question").first()
        if old is None:
            raise NotFound("There is no such answer in this chat.")
        if Turn.objects.filter(answer=old.answer, state=Turn.State.RUNNING).exists():
            raise Invalid("That answer is still being written.", code="turn_running")
        old.answer.refresh_from_db()  # it may have ended between the two questions, and its words came with its end
        return _begin(request, place, old.question, Turn.Kind.CONTINUE, new=[], answer=old.answer)


def _place(request: Request) -> Place:
    place = statements.place(conversation_id=request.conversation_id, user_id=request.user_id, request_id=request.id)
    if place is None:
        raise NotFound("There is no such chat.")
    return place


def _lock(request: Request) -> Place:
    """As `_place`, with the conversation locked before, so that equal requests come one after the other."""
    rows = Conversation.objects.filter(id=request.conversation_id, owner=request.user_id)
    list(rows.select_for_update().values_list("id"))
    return _place(request)


def _begun_before(place: Place, turn_id: UUID) -> Begun:
    turn = Turn.objects.select_related("question", "answer").get(id=turn_id)
    return Begun(turn, False, place.title, place.system_prompt, place.options)


def _message(place: Place, message_id: UUID, role: Message.Role) -> Message:
    rows = Message.objects.filter(id=message_id, conversation=place.conversation_id)
    row = rows.select_related("parent").first()
    if row is None:
        raise NotFound("There is no such message in this chat.")
    if row.role != role:
        raise Invalid(f"That message is not {'a question' if role == Message.Role.USER else 'an answer'}.")
    return row


def _question(place: Place, *, parent_id: UUID | None, position: int, text: str) -> Message:
    return Message(
        conversation_id=place.conversation_id,
        parent_id=parent_id,
        position=position,
        role=Message.Role.USER,
        text=text,
    )


def _answer(question: Message) -> Message:
    return Message(
        conversation_id=question.conversation_id,
        parent_id=question.id,
        position=question.position + 1,
        role=Message.Role.ASSISTANT,
        # One clock tick later than its question, so that "order by time" is the order of reading.
        created_at=timezone.now() + timedelta(microseconds=1),
    )


def _begin(
    request: Request,
    place: Place,
    question: Message,
    kind: Turn.Kind,
    *,
    new: list[Message],
    answer: Message | None = None,
    recall: Recall = nothing_recalled,
) -> Begun:
    """Save a turn with its new messages and, where none is given, an answer of its own; raises `_Moved`."""
    if answer is None:
        answer = _answer(question)
        new = [*new, answer]
    turn = _turn(request, place, question, answer, kind)
    title = place.title or title_from(question.text)
    begun, ended = _recalled(Begun(turn, True, title, place.system_prompt, place.options), recall)
    if not statements.begin(place, turn, new=new, title=title, ended=ended):
        raise _Moved
    _saved(turn, new)
    return begun


def _recalled(begun: Begun, recall: Recall) -> tuple[Begun, Mapping[str, object]]:
    """What is to be saved, with its end where that is known, and the columns of that."""
    outcome = recall(begun)
    if outcome is None:
        return begun, {}
    turn, answer, ended = begun.turn, begun.turn.answer, _columns(outcome)
    for name, value in ended.items():
        setattr(turn, name, value)
    answer.text, answer.reasoning = outcome.text, outcome.reasoning
    answer.html, answer.html_version = outcome.html, outcome.html_version
    turn.state, turn.lease_until = Turn.State(outcome.state), None
    return replace(begun, outcome=outcome), ended


def _turn(request: Request, place: Place, question: Message, answer: Message, kind: Turn.Kind) -> Turn:
    now = timezone.now()
    return Turn(
        conversation_id=place.conversation_id,
        question=question,
        answer=answer,
        kind=kind,
        request_id=request.id,
        owner=request.owner,
        lease_until=now + LEASE,
        choice=request.choice or place.model,
        base_length=len(answer.text),
        created_at=now,
    )


def _saved(turn: Turn, new: Sequence[Message]) -> None:
    for row in (*new, turn):
        row._state.adding = False


# --- while it runs, and its end --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The words of a running turn so far: the answer's whole text and the marks of this turn's deltas."""

    turn_id: UUID
    text: str
    marks: Sequence[int]


def leases_renew(*, turn_ids: Sequence[UUID], owner: str) -> list[UUID]:
    """Renew the leases of a process's running turns; returns those that somebody wants stopped."""
    rows = Turn.objects.filter(id__in=turn_ids, owner=owner, state=Turn.State.RUNNING)
    rows.update(lease_until=timezone.now() + LEASE)
    return selectors.stop_requests(owner=owner)


def turns_checkpoint(*, checkpoints: Sequence[Checkpoint]) -> None:
    """Save the words so far of many running turns."""
    statements.checkpoint([(item.turn_id, item.text, item.marks) for item in checkpoints])


def turn_finish(*, turn_id: UUID, owner: str, outcome: Outcome) -> bool:
    """Save the end of a turn; only its owner can, once. Returns False where somebody else ended it.

    A turn that was taken for dead while its process was only cut off from the database is ended by its owner after
    all: the owner has every word.
    """
    states = (Turn.State.RUNNING, Turn.State.INTERRUPTED)
    return _end(turn_id, owner, states, outcome)


def turn_interrupt(*, orphan: selectors.Orphan, outcome: Outcome) -> bool:
    """End a turn whose process is gone, with the words that were found; True for the one caller that did it."""
    return _end(orphan.turn_id, orphan.owner, (Turn.State.RUNNING,), outcome)


def _end(turn_id: UUID, owner: str, states: Sequence[str], outcome: Outcome) -> bool:
    columns = {**_columns(outcome), "state": outcome.state, "lease_until": None}
    answer = {
        "text": outcome.text,
        "html": outcome.html,
        "html_version": outcome.html_version,
        "reasoning": outcome.reasoning,
        "tool_calls": orjson.dumps(list(outcome.tool_calls)).decode(),
    }
    return statements.end(turn_id=turn_id, owner=owner, states=states, columns=columns, answer=answer)


def _columns(outcome: Outcome) -> dict[str, object]:
    """What an end brings to the row of its turn, besides its state."""
    return {
        **(outcome.columns or {}),
        "finish_reason": outcome.finish_reason,
        "marks": list(outcome.marks),
        "finished_at": timezone.now(),
    }


def turn_request_stop(*, user: User, conversation_id: UUID, turn_id: UUID) -> Turn:
    """Leave word in the row that a turn shall stop, for the process that runs it."""
    turn = selectors.turn_get(user=user, conversation_id=conversation_id, turn_id=turn_id)
    Turn.objects.filter(id=turn_id, state=Turn.State.RUNNING).update(stop_requested=True)
    return turn


def html_save(*, message: Message, html: str, version: int) -> None:
    """Keep an answer's rendered HTML beside its text."""
    Message.objects.filter(id=message.id, text=message.text).update(html=html, html_version=version)
