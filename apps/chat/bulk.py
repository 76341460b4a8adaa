"""What administrators do to many chats at once; one batch each, in the worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from apps.chat import retention
from apps.chat.models import Conversation, Turn
from apps.core.models import BulkJob
from apps.core.office.bulk import Kind


def delete(job: BulkJob, keys: Sequence[str]) -> int:
    """Hide them, as their owners could; they can be brought back for a day. Their running answers are asked to stop."""
    Turn.objects.filter(conversation_id__in=keys, state=Turn.State.RUNNING).update(stop_requested=True)
    return Conversation.objects.filter(pk__in=keys, deleted_at=None).update(deleted_at=timezone.now())


def restore(job: BulkJob, keys: Sequence[str]) -> int:
    """Bring back those that are hidden and not purged yet; they count as used now, so that the night leaves them."""
    chosen = Conversation.objects.filter(pk__in=keys, deleted_at__isnull=False)
    return chosen.update(deleted_at=None, updated_at=timezone.now())


def let_go(job: BulkJob, keys: Sequence[str]) -> int:
    """Hide those that nobody has used since `before` even now; pinned ones and those being answered stay."""
    idle = retention.idle_since(datetime.fromisoformat(str(job.options["before"])))
    chosen = idle.filter(pk__in=keys).select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)
    return Conversation.objects.filter(pk__in=list(chosen)).update(deleted_at=timezone.now())


DELETE = Kind("chats_delete", "Delete conversations", delete)
RESTORE = Kind("chats_restore", "Bring conversations back", restore)
LET_GO = Kind("chats_let_go", "Let go of old conversations", let_go)
