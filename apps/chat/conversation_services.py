"""Writes of a chat as a whole: how it answers, and whether it stays at the top of the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.chat import frames, selectors, services
from apps.chat.models import Conversation
from apps.core.errors import Invalid

SYSTEM_PROMPT_LIMIT = 8000


@transaction.atomic
def conversation_change(*, user: User, conversation_id: UUID, changes: Mapping[str, Any]) -> Conversation:
    """Change what is named, all of it or nothing; raises `Invalid` for what cannot be taken."""
    name: dict[str, Any] = {"user": user, "conversation_id": conversation_id}
    before = selectors.conversation_get(**name)
    if "title" in changes:
        services.conversation_rename(**name, title=changes["title"])
    if "model" in changes:
        services.conversation_set_model(**name, model=changes["model"])
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
