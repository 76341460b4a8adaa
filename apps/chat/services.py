"""Writes of the chat. Whoever calls names the user; rows of others are never reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.chat import selectors
from apps.chat.models import Conversation, Message, Turn
from apps.chat.titles import title_from
from apps.core.errors import Invalid, NotFound

LEASE = timedelta(seconds=20)
UNDO_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn that is saved. `created` is False where the same request had begun it before."""

    turn: Turn
    created: bool
    title: str
    system_prompt: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended: everything that its rows keep."""

    state: str
    finish_reason: str
    text: str
    html: str = ""
    html_version: int = 0
    reasoning: str = ""
    marks: Sequence[int] = ()
    columns: Mapping[str, object] | None = None


# --- conversations ---------------------------------------------------------------------------------------------------


def conversation_create(*, user: User, model: str = "", title: str = "") -> Conversation:
    return Conversation.objects.create(owner=user, model=model, title=title[:120])


def conversation_rename(*, user: User, conversation_id: UUID, title: str) -> Conversation:
    """Give a chat another title; raises `Invalid` for a blank one."""
    name = " ".join(title.replace("\x00", "").split())[:120]
    if not name:
        raise Invalid("A title needs at least one letter.", code="empty_title")
    conversation = selectors.conversation_get(user=user, conversation_id=conversation_id)
    conversation.title = name
    conversation.save(update_fields=["title"])
    return conversation


def conversation_set_model(*, user: User, conversation_id: UUID, model: str) -> Conversation:
    conversation = selectors.conversation_get(user=user, conversation_id=conversation_id)
    conversation.model = model[:200]
    conversation.save(update_fields=["model"])
    return conversation


def conversation_delete(*, user: User, conversation_id: UUID) -> Conversation:
    """Hide a chat; it can be brought back until the nightly cleanup. Its running answers are asked to stop."""
    conversation = selectors.conversation_get(user=user, conversation_id=conversation_id)
    conversation.deleted_at = timezone.now()
    conversation.save(update_fields=["deleted_at"])
    Turn.objects.filter(conversation=conversation, state=Turn.State.RUNNING).update(stop_requested=True)
    return conversation


def conversation_restore(*, user: User, conversation_id: UUID) -> Conversation:
    """Undo a deletion; raises `NotFound` where there is nothing to bring back."""
    changed = Conversation.objects.filter(id=conversation_id, owner=user, deleted_at__isnull=False).update(
        deleted_at=None
    )
    if not changed:
        raise NotFound("There is no deleted chat to bring back.")
    return selectors.conversation_get(user=user, conversation_id=conversation_id)


def conversations_purge(*, now: datetime) -> int:
    """Delete for good what was hidden longer ago than the time for undoing; returns how many chats."""
    old = Conversation.objects.filter(deleted_at__lt=now - UNDO_WINDOW).values_list("id", flat=True)[:500]
    return Conversation.objects.filter(id__in=list(old)).delete()[1].get("chat.Conversation", 0)


def version_select(*, user: User, conversation_id: UUID, message_id: UUID) -> None:
    """Show the path through this version of a message."""
    message = selectors.message_get(user=user, conversation_id=conversation_id, message_id=message_id)
    Conversation.objects.filter(id=conversation_id).update(leaf=selectors.newest_leaf(message=message))


# --- the beginning of a turn -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What every kind of turn needs to begin: who asks, where, the id the client gave, and who will run it."""

    user_id: int
    conversation_id: UUID
    id: UUID
    owner: str
    choice: str = ""


def turn_ask(*, request: Request, text: str) -> Begun:
    """Save a question below the shown path, an empty answer and a turn, in one transaction."""
    with transaction.atomic():
        conversation = _lock(request)
        if (before := _begun_before(request, conversation)) is not None:
            return before
        leaf = Message.objects.filter(id__in=[conversation.leaf_id]).only("id", "position").first()
        if not conversation.title:
            conversation.title = title_from(text)
        question = _question(conversation, parent=leaf, text=text)
        return _begin(request, conversation, question, Turn.Kind.ASK, new=[question])


def turn_edit(*, request: Request, message_id: UUID, text: str) -> Begun:
    """Save another version of a question, with an answer of its own."""
    with transaction.atomic():
        conversation = _lock(request)
        if (before := _begun_before(request, conversation)) is not None:
            return before
        old = _message(conversation, message_id, Message.Role.USER)
        question = _question(conversation, parent=old.parent, text=text)
        return _begin(request, conversation, question, Turn.Kind.EDIT, new=[question])


def turn_retry(*, request: Request, message_id: UUID) -> Begun:
    """Save another, still empty, answer beside an answer."""
    with transaction.atomic():
        conversation = _lock(request)
        if (before := _begun_before(request, conversation)) is not None:
            return before
        old = _message(conversation, message_id, Message.Role.ASSISTANT)
        if old.parent is None:
            raise Invalid("That message answers no question.")
        return _begin(request, conversation, old.parent, Turn.Kind.RETRY, new=[])


def turn_continue(*, request: Request, turn_id: UUID) -> Begun:
    """Go on at the end of an answer that was cut, stopped or interrupted."""
    with transaction.atomic():
        conversation = _lock(request)
        if (before := _begun_before(request, conversation)) is not None:
            return before
        old = Turn.objects.filter(id=turn_id, conversation=conversation).select_related("answer", "question").first()
        if old is None:
            raise NotFound("There is no such answer in this chat.")
        if Turn.objects.filter(answer=old.answer, state=Turn.State.RUNNING).exists():
            raise Invalid("That answer is still being written.", code="turn_running")
        return _begin(request, conversation, old.question, Turn.Kind.CONTINUE, new=[], answer=old.answer)


def _lock(request: Request) -> Conversation:
    """The conversation, locked so that equal requests come one after the other; its owner is read along."""
    row = (
        Conversation.objects.select_for_update(of=("self",))
        .select_related("owner")
        .filter(id=request.conversation_id, owner=request.user_id, owner__is_active=True, deleted_at=None)
        .first()
    )
    if row is None:
        raise NotFound("There is no such chat.")
    return row


def _begun_before(request: Request, conversation: Conversation) -> Begun | None:
    turn = (
        Turn.objects.filter(conversation=conversation, request_id=request.id)
        .select_related("question", "answer")
        .first()
    )
    return Begun(turn, False, conversation.title, conversation.owner.system_prompt) if turn else None


def _message(conversation: Conversation, message_id: UUID, role: Message.Role) -> Message:
    row = Message.objects.filter(id=message_id, conversation=conversation).select_related("parent").first()
    if row is None:
        raise NotFound("There is no such message in this chat.")
    if row.role != role:
        raise Invalid(f"That message is not {'a question' if role == Message.Role.USER else 'an answer'}.")
    return row


def _question(conversation: Conversation, *, parent: Message | None, text: str) -> Message:
    position = parent.position + 1 if parent else 0
    return Message(conversation=conversation, parent=parent, position=position, role=Message.Role.USER, text=text)


def _begin(
    request: Request,
    conversation: Conversation,
    question: Message,
    kind: Turn.Kind,
    *,
    new: list[Message],
    answer: Message | None = None,
) -> Begun:
    now = timezone.now()
    if answer is None:
        answer = Message(
            conversation=conversation,
            parent=question,
            position=question.position + 1,
            role=Message.Role.ASSISTANT,
            # One clock tick later than its question, so that "order by time" is the order of reading.
            created_at=now + timedelta(microseconds=1),
        )
        new = [*new, answer]
    Message.objects.bulk_create(new)
    turn = Turn(
        conversation=conversation,
        question=question,
        answer=answer,
        kind=kind,
        request_id=request.id,
        owner=request.owner,
        lease_until=now + LEASE,
        choice=request.choice or conversation.model,
        base_length=len(answer.text),
        created_at=now,
    )
    turn.save(force_insert=True)
    Conversation.objects.filter(id=conversation.id).update(
        leaf=answer if new else conversation.leaf_id, title=conversation.title, updated_at=now
    )
    return Begun(turn, True, conversation.title, conversation.owner.system_prompt)


# --- while it runs, and its end --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The words of a running turn so far: the answer's whole text and the marks of this turn's deltas."""

    turn_id: UUID
    answer_id: UUID
    text: str
    marks: Sequence[int]


def leases_renew(*, turn_ids: Sequence[UUID], owner: str) -> list[UUID]:
    """Renew the leases of a process's running turns; returns those that somebody wants stopped."""
    rows = Turn.objects.filter(id__in=turn_ids, owner=owner, state=Turn.State.RUNNING)
    rows.update(lease_until=timezone.now() + LEASE)
    return selectors.stop_requests(owner=owner)


def turns_checkpoint(*, checkpoints: Sequence[Checkpoint]) -> None:
    """Save the words so far of many running turns, in two statements."""
    with transaction.atomic():
        running = Turn.objects.filter(id__in=[item.turn_id for item in checkpoints], state=Turn.State.RUNNING)
        held = set(running.select_for_update().values_list("id", flat=True))
        still = [item for item in checkpoints if item.turn_id in held]
        Message.objects.bulk_update([Message(id=item.answer_id, text=item.text) for item in still], ["text"])
        Turn.objects.bulk_update([Turn(id=item.turn_id, marks=list(item.marks)) for item in still], ["marks"])


def turn_finish(*, turn_id: UUID, owner: str, outcome: Outcome) -> bool:
    """Save the end of a turn; only its owner can, once. Returns False where somebody else ended it.

    A turn that was taken for dead while its process was only cut off from the database is ended by its owner after
    all: the owner has every word.
    """
    with transaction.atomic():
        changed = Turn.objects.filter(
            id=turn_id, owner=owner, state__in=[Turn.State.RUNNING, Turn.State.INTERRUPTED]
        ).update(**_ended(outcome))
        if changed:
            _save_answer(turn_id, outcome)
    return bool(changed)


def turn_interrupt(*, orphan: selectors.Orphan, outcome: Outcome) -> bool:
    """End a turn whose process is gone, with the words that were found; True for the one caller that did it."""
    with transaction.atomic():
        changed = Turn.objects.filter(id=orphan.turn_id, owner=orphan.owner, state=Turn.State.RUNNING).update(
            **_ended(outcome)
        )
        if changed:
            _save_answer(orphan.turn_id, outcome)
    return bool(changed)


def _ended(outcome: Outcome) -> dict[str, object]:
    return {
        **(outcome.columns or {}),
        "state": outcome.state,
        "finish_reason": outcome.finish_reason,
        "marks": list(outcome.marks),
        "lease_until": None,
        "finished_at": timezone.now(),
    }


SAVE_ANSWER = """
UPDATE chat_message SET text = %s, html = %s, html_version = %s, reasoning = %s
FROM chat_turn WHERE chat_turn.id = %s AND chat_message.id = chat_turn.answer_id
"""


def _save_answer(turn_id: UUID, outcome: Outcome) -> None:
    with connection.cursor() as cursor:
        words = (outcome.text, outcome.html, outcome.html_version, outcome.reasoning)
        cursor.execute(SAVE_ANSWER, (*words, turn_id))


def turn_request_stop(*, user: User, conversation_id: UUID, turn_id: UUID) -> Turn:
    """Leave word in the row that a turn shall stop, for the process that runs it."""
    turn = selectors.turn_get(user=user, conversation_id=conversation_id, turn_id=turn_id)
    Turn.objects.filter(id=turn_id, state=Turn.State.RUNNING).update(stop_requested=True)
    return turn


def html_save(*, message: Message, html: str, version: int) -> None:
    """Keep an answer's rendered HTML beside its text."""
    Message.objects.filter(id=message.id, text=message.text).update(html=html, html_version=version)
