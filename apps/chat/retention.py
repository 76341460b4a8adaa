"""Chats that nobody has used for long: found by index, hidden a few at a time. Pinned ones stay."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from apps.chat.models import Conversation, Turn
from apps.core.retention import Kind


def idle_since(before: datetime) -> QuerySet[Conversation]:
    """Chats last used before that time, without those that are pinned or being answered."""
    running = Turn.objects.filter(conversation=OuterRef("pk"), state=Turn.State.RUNNING)
    old = Conversation.objects.filter(updated_at__lt=before, deleted_at=None, pinned_at=None)
    return old.filter(~Exists(running))


def count(before: datetime) -> int:
    return idle_since(before).count()


@transaction.atomic
def hide(before: datetime, at_most: int) -> int:
    """Hide some; a chat that somebody uses in this moment is passed over."""
    chosen = idle_since(before).order_by("updated_at").select_for_update(skip_locked=True).values_list("pk", flat=True)
    return Conversation.objects.filter(pk__in=list(chosen[:at_most])).update(deleted_at=timezone.now())


CHATS = Kind("conversations", count, hide)
