"""Reads of the chat. Every function takes the user first: there is no other way to somebody's rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.chat.models import Conversation, Message, Turn
from apps.core.errors import NotFound

THREAD_LIMIT = 60
FARTHEST = 400  # messages above the newest one that a search can lead to
ABOVE = 4  # messages that are shown above the one that was found
PINNED_LIMIT = 50
HISTORY_MESSAGES = 2_000

PATH = """
WITH RECURSIVE path AS (
    SELECT id, parent_id, 1 AS steps FROM chat_message WHERE id = %(start)s AND conversation_id = %(conversation)s
    UNION ALL
    SELECT parent.id, parent.parent_id, path.steps + 1
    FROM chat_message parent JOIN path ON parent.id = path.parent_id
    WHERE path.steps < %(limit)s
)
SELECT id FROM path ORDER BY steps DESC
"""

HISTORY = """
WITH RECURSIVE path AS (
    SELECT parent_id, position, role, text, attachment_ids, 1 AS steps, length(text) AS total
    FROM chat_message WHERE id = %(start)s
    UNION ALL
    SELECT parent.parent_id, parent.position, parent.role, parent.text, parent.attachment_ids, path.steps + 1,
           path.total + length(parent.text)
    FROM chat_message parent JOIN path ON parent.id = path.parent_id
    WHERE path.steps < %(messages)s AND path.total < %(characters)s
)
SELECT position, role, text, attachment_ids FROM path ORDER BY steps DESC
"""

NEWEST_LEAF = """
WITH RECURSIVE down AS (
    SELECT id, 0 AS steps FROM chat_message WHERE id = %(start)s
    UNION ALL
    SELECT child.id, down.steps + 1 FROM down CROSS JOIN LATERAL (
        SELECT id FROM chat_message WHERE parent_id = down.id ORDER BY created_at DESC, id DESC LIMIT 1
    ) child
)
SELECT id FROM down ORDER BY steps DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the model will get it; `position` counts from the beginning of its path."""

    position: int
    role: str
    text: str
    pictures: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """One message as the page shows it. `versions` are all siblings, oldest first; `turn` is an answer's last turn."""

    message: Message
    versions: Sequence[UUID]
    turn: Turn | None

    @property
    def version(self) -> int:
        """Which of the versions this is, counted from 1."""
        return self.versions.index(self.message.id) + 1

    @property
    def newer(self) -> UUID | None:
        return self.versions[self.version] if self.version < len(self.versions) else None

    @property
    def older(self) -> UUID | None:
        return self.versions[self.version - 2] if self.version > 1 else None


@dataclass(frozen=True, slots=True)
class Thread:
    """The path of a conversation that is shown, oldest first; `earlier` is the message to read on from, upwards."""

    conversation: Conversation
    shown: Sequence[Shown]
    earlier: UUID | None


def conversation_get(*, user: User, conversation_id: UUID) -> Conversation:
    """The user's conversation; raises `NotFound` for everybody else's and for deleted ones."""
    row = Conversation.objects.filter(id=conversation_id, owner=user, deleted_at=None).first()
    if row is None:
        raise NotFound("There is no such chat.")
    return row


def conversation_lock(*, user: User, conversation_id: UUID) -> Conversation:
    """The same, and nobody else changes it until the transaction ends, which the caller has begun."""
    row = Conversation.objects.select_for_update().filter(id=conversation_id, owner=user, deleted_at=None).first()
    if row is None:
        raise NotFound("There is no such chat.")
    return row


def conversations_of(*, user: User) -> QuerySet[Conversation]:
    """All of the user's conversations, for pages of them in an order of the caller's."""
    return Conversation.objects.filter(owner=user, deleted_at=None)


def conversation_list(*, user: User, before: datetime | None = None, limit: int = 60) -> list[Conversation]:
    """The user's unpinned conversations, the one used last first; `before` pages on from an `updated_at`."""
    rows = Conversation.objects.filter(owner=user, deleted_at=None, pinned_at=None).order_by("-updated_at")
    if before is not None:
        rows = rows.filter(updated_at__lt=before)
    return list(rows[:limit])


def messages_of(*, user: User, conversation_id: UUID) -> QuerySet[Message]:
    """All messages of one of the user's conversations, for pages of them; raises `NotFound`."""
    conversation = conversation_get(user=user, conversation_id=conversation_id)
    return Message.objects.filter(conversation=conversation).defer("html")


def last_turns(*, messages: Iterable[Message]) -> dict[UUID, Turn]:
    """The last turn of each answer among messages that came from `messages_of`."""
    ids = [message.id for message in messages if message.role == Message.Role.ASSISTANT]
    return {turn.answer_id: turn for turn in Turn.objects.filter(answer__in=ids).defer("marks").order_by("created_at")}


def conversations_pinned(*, user: User) -> list[Conversation]:
    """The user's pinned conversations, the one pinned last first."""
    rows = Conversation.objects.filter(owner=user, deleted_at=None, pinned_at__isnull=False)
    return list(rows.order_by("-pinned_at")[:PINNED_LIMIT])


def message_get(*, user: User, conversation_id: UUID, message_id: UUID) -> Message:
    """A message of one of the user's conversations; raises `NotFound`."""
    row = (
        Message.objects.filter(id=message_id, conversation_id=conversation_id, conversation__owner=user)
        .filter(conversation__deleted_at=None)
        .first()
    )
    if row is None:
        raise NotFound("There is no such message in this chat.")
    return row


def turn_get(*, user: User, conversation_id: UUID, turn_id: UUID) -> Turn:
    """A turn of one of the user's conversations, with its answer; raises `NotFound`."""
    row = (
        Turn.objects.filter(id=turn_id, conversation_id=conversation_id, conversation__owner=user)
        .filter(conversation__deleted_at=None)
        .select_related("answer")
        .first()
    )
    if row is None:
        raise NotFound("There is no such answer in this chat.")
    return row


def thread_get(*, user: User, conversation_id: UUID, before: UUID | None = None, limit: int = THREAD_LIMIT) -> Thread:
    """The last `limit` messages of the shown path, or those above the message `before`."""
    conversation = conversation_get(user=user, conversation_id=conversation_id)
    start = conversation.leaf_id if before is None else _parent_of(user, conversation_id, before)
    ids = _path(conversation_id, start, limit + 1)
    earlier = ids[1] if len(ids) > limit else None
    return Thread(conversation, _shown(conversation_id, ids[-limit:]), earlier)


def thread_at(*, user: User, conversation_id: UUID, message_id: UUID) -> Thread:
    """The shown path from a little above a message on; its usual end where the message is not on it, or too far up."""
    conversation = conversation_get(user=user, conversation_id=conversation_id)
    ids = _path(conversation_id, conversation.leaf_id, FARTHEST)
    if message_id not in ids[:-THREAD_LIMIT]:
        return thread_get(user=user, conversation_id=conversation_id)
    start = max(0, ids.index(message_id) - ABOVE)
    return Thread(conversation, _shown(conversation_id, ids[start:]), ids[start] if start else None)


def shown_get(*, user: User, conversation_id: UUID, message_id: UUID) -> Shown:
    """One message as the page shows it; raises `NotFound`."""
    message = message_get(user=user, conversation_id=conversation_id, message_id=message_id)
    return _shown(conversation_id, [message.id])[0]


def _parent_of(user: User, conversation_id: UUID, message_id: UUID) -> UUID | None:
    return message_get(user=user, conversation_id=conversation_id, message_id=message_id).parent_id


def _path(conversation_id: UUID, start: UUID | None, limit: int) -> list[UUID]:
    """Ids from the oldest to `start`, at most `limit` of them, in one statement."""
    if start is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(PATH, {"start": start, "conversation": conversation_id, "limit": limit})
        return [row[0] for row in cursor.fetchall()]


def _shown(conversation_id: UUID, ids: Sequence[UUID]) -> list[Shown]:
    messages = Message.objects.in_bulk(ids)
    versions = _versions(conversation_id, messages.values())
    rows = Turn.objects.filter(answer__in=ids).defer("marks").order_by("created_at")
    turns = {turn.answer_id: turn for turn in rows}
    return [Shown(messages[i], versions[messages[i].parent_id], turns.get(i)) for i in ids if i in messages]


def _versions(conversation_id: UUID, messages: Iterable[Message]) -> dict[UUID | None, list[UUID]]:
    """All messages beside the given ones, by their common parent."""
    parents = {message.parent_id for message in messages}
    beside = Q(parent__in=[parent for parent in parents if parent is not None])
    if None in parents:
        beside |= Q(parent=None)
    found: dict[UUID | None, list[UUID]] = {}
    rows = Message.objects.filter(beside, conversation_id=conversation_id).order_by("created_at", "id")
    for message_id, parent_id in rows.values_list("id", "parent_id"):
        found.setdefault(parent_id, []).append(message_id)
    return found


def history(*, message_id: UUID, characters: int, messages: int = HISTORY_MESSAGES) -> list[Line]:
    """The path that ends with a message, oldest first, cut off where `characters` are exceeded.

    The caller has the message from a selector that checked its owner.
    """
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, {"start": message_id, "messages": messages, "characters": characters})
        return [Line(*row) for row in cursor.fetchall()]


def history_before(*, question: Message, characters: int) -> list[Line]:
    """The same path for a question that may not be saved yet; the first one of a chat needs no trip to the database."""
    left = characters - len(question.text)
    before = []
    if question.parent_id is not None and left > 0:
        before = history(message_id=question.parent_id, characters=left, messages=HISTORY_MESSAGES - 1)
    return [*before, Line(question.position, question.role, question.text, question.attachment_ids)]


def newest_leaf(*, message: Message) -> UUID:
    """The end of the newest path below a message: what is shown after one has switched to this version."""
    with connection.cursor() as cursor:
        cursor.execute(NEWEST_LEAF, {"start": message.id})
        row = cursor.fetchone()
    return UUID(str(row[0])) if row else message.id


@dataclass(frozen=True, slots=True)
class Orphan:
    """A turn whose process is gone."""

    turn_id: UUID
    owner: str


def orphans(*, now: datetime, place: str, incarnation: str) -> list[Orphan]:
    """Running turns nobody runs: the lease is over, or an earlier incarnation of this very place owned them."""
    predecessor = Q(owner__startswith=place) & ~Q(owner=place + incarnation)
    rows = Turn.objects.filter(Q(lease_until__lt=now) | predecessor, state=Turn.State.RUNNING)
    return [Orphan(*row) for row in rows.values_list("id", "owner")[:500]]


def stop_requests(*, owner: str) -> list[UUID]:
    """The turns of a process that somebody wants stopped."""
    rows = Turn.objects.filter(owner=owner, state=Turn.State.RUNNING, stop_requested=True)
    return list(rows.values_list("id", flat=True))


def running_among(*, turn_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these turns run."""
    return set(Turn.objects.filter(id__in=turn_ids, state=Turn.State.RUNNING).values_list("id", flat=True))


def turn_row(*, turn_id: UUID) -> Turn | None:
    """A turn with its answer, for readers in other processes whose right to it was checked when they attached."""
    return Turn.objects.filter(id=turn_id).select_related("answer").first()


def turn_of_equal(*, turn_id: UUID, user_id: int | None) -> Turn | None:
    """A turn that answers an equal question, with its answer, for readers in other processes: of this user, or of
    anybody (None) where an administrator lets people share answers."""
    rows = Turn.objects.filter(id=turn_id).select_related("answer")
    return (rows if user_id is None else rows.filter(conversation__owner=user_id)).first()


def running_count(*, user_id: int) -> int:
    """How many answers are being written for somebody."""
    return Turn.objects.filter(state=Turn.State.RUNNING, conversation__owner=user_id).count()
