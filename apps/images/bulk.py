"""What administrators do to many image jobs and pictures at once."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from apps.core.models import BulkJob
from apps.core.office.bulk import Kind
from apps.images.models import Image, ImageJob


def cancel(job: BulkJob, keys: Sequence[str]) -> int:
    """End those that wait at once, and those that are being drawn within two seconds."""
    chosen = ImageJob.objects.filter(pk__in=keys)
    over = {"state": ImageJob.State.CANCELLED, "finished_at": timezone.now(), "cancel_requested": True}
    waiting = chosen.filter(state=ImageJob.State.QUEUED).update(**over)
    return waiting + chosen.filter(state=ImageJob.State.RUNNING).update(cancel_requested=True)


def restore(job: BulkJob, keys: Sequence[str]) -> int:
    """Bring back those that are hidden and not purged yet; from now on they are kept, whatever their age."""
    return Image.objects.filter(pk__in=keys, deleted_at__isnull=False).update(deleted_at=None, kept_at=timezone.now())


CANCEL = Kind("images_cancel", "Cancel image jobs", cancel)
RESTORE = Kind("images_restore", "Bring pictures back", restore)
