"""What administrators do to many searches at once."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from apps.core.models import BulkJob
from apps.core.office.bulk import Kind
from apps.search.models import Search


def restore(job: BulkJob, keys: Sequence[str]) -> int:
    """Bring back those that the cleanup has hidden; from now on they are kept."""
    return Search.objects.filter(pk__in=keys, deleted_at__isnull=False).update(deleted_at=None, kept_at=timezone.now())


RESTORE = Kind("searches_restore", "Bring searches back", restore)
