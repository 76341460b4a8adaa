"""What administrators do to many recordings at once."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from apps.core.models import BulkJob
from apps.core.office.bulk import Kind
from apps.voice.models import Recording


def restore(job: BulkJob, keys: Sequence[str]) -> int:
    """Bring back those that the cleanup has hidden; they count as used today, so that the next night leaves them."""
    chosen = Recording.objects.filter(pk__in=keys, deleted_at__isnull=False)
    return chosen.update(deleted_at=None, used_at=timezone.now())


RESTORE = Kind("recordings_restore", "Bring recordings back", restore)
