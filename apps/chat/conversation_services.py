"""Writes of a chat as a whole: its beginning and its end, what it is called, how it answers, where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.chat import attachments, frames, selectors
from apps.chat.models import Conversation, Message, Turn
from apps.core.errors import Invalid, NotFound
from apps.images import services as images
from apps.search.services import searches_forget

SYSTEM_PROMPT_LIMIT = 8000
UNDO_WINDOW = timedelta(hours=24)


def conversation_create(*, user: User, model: str = "", title: str = "") -> Conversation:
    return Conversation.objects.create(owner=user, model=model, title=title[:120])


def conversation_ensure(*, user: User, conversation_id: UUID, model: str = "") -> Conversation:
    """The user's chat of this id, begun where there is none; raises `NotFound` where the id is taken by another's."""
    Conversation.objects.bulk_create(
        [Conversation(id=conversation_id, owner=user, model=model[:200])], ignore_conflicts=True
    )
    return selectors.conversation_get(user=user, conversation_id=conversation_id)


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
    old = list(Conversation.objects.filter(deleted_at__lt=now - UNDO_WINDOW).values_list("id", flat=True)[:500])
    attachments.attachments_forget(conversation_ids=old)
    searches_forget(conversation_ids=old)
    images.jobs_detach(messages=Message.objects.filter(conversation_id__in=old))
    return Conversation.objects.filter(id__in=old).delete()[1].get("chat.Conversation", 0)


def version_select(*, user: User, conversation_id: UUID, message_id: UUID) -> None:
    """Show the path through this version of a message."""
    message = selectors.message_get(user=user, conversation_id=conversation_id, message_id=message_id)
    Conversation.objects.filter(id=conversation_id).update(leaf=selectors.newest_leaf(message=message))


@transaction.atomic
def conversation_change(*, user: User, conversation_id: UUID, changes: Mapping[str, Any]) -> Conversation:
    """Change what is named, all of it or nothing; raises `Invalid` for what cannot be taken."""
    name: dict[str, Any] = {"user": user, "conversation_id": conversation_id}
    before = selectors.conversation_get(**name)
    if "title" in changes:
        conversation_rename(**name, title=changes["title"])
    if "model" in changes:
        conversation_set_model(**name, model=changes["model"])
    if "pinned" in changes:
        conversation_pin(**name, pinned=changes["pinned"])
    if "options" in changes or "system_prompt" in changes:
        conversation_configure(
            **name,
            options=changes.get("options", before.options),
            system_prompt=changes.get("system_prompt", before.system_prompt),
        )
    return selectors.conversation_get(**name)


def conversation_configure(
    *, user: User, conversation_id: UUID, options: Mapping[str, object], system_prompt: str
) -> Conversation:
    """Say how a chat answers from now on; raises `Invalid` for options that there are not or that are out of range."""
    conversation = selectors.conversation_get(user=user, conversation_id=conversation_id)
    conversation.options = dict(frames.options(dict(options)))
    conversation.system_prompt = sound_prompt(system_prompt)
    conversation.save(update_fields=["options", "system_prompt"])
    return conversation


def sound_prompt(text: str) -> str:
    """A system prompt that can be stored and sent; raises `Invalid` for a longer one than there may be."""
    if len(text) > SYSTEM_PROMPT_LIMIT:
        raise Invalid(f"A system prompt may have {SYSTEM_PROMPT_LIMIT:,} characters.", code="system_prompt_too_long")
    if frames.UNPAIRED_OR_NUL.search(text):
        raise Invalid("The system prompt holds characters that cannot be stored.", code="system_prompt")
    return text.strip()


def conversation_pin(*, user: User, conversation_id: UUID, pinned: bool) -> Conversation:
    """Keep a chat at the top of the list, or let it go back to its day."""
    conversation = selectors.conversation_get(user=user, conversation_id=conversation_id)
    conversation.pinned_at = timezone.now() if pinned else None
    conversation.save(update_fields=["pinned_at"])
    return conversation
