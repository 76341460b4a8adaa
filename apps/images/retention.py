"""Pictures that nobody keeps: hidden after a while unless their owner keeps them or a chat shows them.

A picture in a chat stays as long as the chat. Orders of which nothing is left are forgotten with the pictures.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from apps.core.retention import Kind
from apps.images.models import Image, ImageJob

SOON = timedelta(days=7)  # before it goes, its owner is told


def idle_since(before: datetime) -> QuerySet[Image]:
    """Pictures of anybody from before that time, without those that are kept or hang in a chat."""
    return Image.objects.filter(created_at__lt=before, deleted_at=None, kept_at=None, job__attached_to=None)


def goes_at(image: Image) -> datetime | None:
    """When a picture will be let go, where that is soon; None where it is far or never."""
    days = settings.SESSION_RETENTION_DAYS
    if not days or image.kept_at is not None or image.job.attached_to is not None:
        return None
    # At the earliest in the night after the one that announces it.
    going = max(image.created_at + timedelta(days=days), timezone.now() + timedelta(days=1))
    return going if going - timezone.now() <= SOON else None


@transaction.atomic
def hide(before: datetime, at_most: int) -> int:
    """Hide some; one that somebody keeps in this moment is passed over."""
    chosen = idle_since(before).order_by("created_at").select_for_update(skip_locked=True, of=("self",))
    return Image.objects.filter(pk__in=list(chosen.values_list("pk", flat=True)[:at_most])).update(
        deleted_at=timezone.now()
    )


def empty_since(before: datetime) -> QuerySet[ImageJob]:
    """Orders that ended before that time and have no picture, in no chat either."""
    pictures = Image.objects.filter(job=OuterRef("pk"))
    return ImageJob.objects.filter(~Exists(pictures), finished_at__lt=before, attached_to=None)


def forget(before: datetime, at_most: int) -> int:
    """Forget some of them, and what was asked for in them; there is nothing to bring back."""
    chosen = list(empty_since(before).values_list("pk", flat=True)[:at_most])
    return ImageJob.objects.filter(pk__in=chosen).delete()[1].get("images.ImageJob", 0)


PICTURES = Kind("pictures", lambda before: idle_since(before).count(), hide)
ORDERS = Kind("orders of pictures", lambda before: empty_since(before).count(), forget)
