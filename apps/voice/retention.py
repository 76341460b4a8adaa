"""Recordings that nobody keeps, and spoken sentences that nobody hears any more."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.core.retention import Kind
from apps.voice import services
from apps.voice.models import Clip, Recording


def idle_since(before: datetime) -> QuerySet[Recording]:
    """Recordings of anybody that were last opened before that time, without those that are kept or worked at."""
    return Recording.objects.filter(used_at__lt=before, deleted_at=None, kept_at=None).exclude(finished_at=None)


@transaction.atomic
def hide(before: datetime, at_most: int) -> int:
    """Hide some; one that somebody keeps in this moment is passed over."""
    chosen = idle_since(before).order_by("used_at").select_for_update(skip_locked=True).values_list("pk", flat=True)
    return Recording.objects.filter(pk__in=list(chosen[:at_most])).update(deleted_at=timezone.now())


def clips_idle(before: datetime) -> int:
    return Clip.objects.filter(used_at__lt=before).count()


RECORDINGS = Kind("recordings", lambda before: idle_since(before).count(), hide)
# They can be spoken anew at any time, so there is nothing to bring back.
CLIPS = Kind("spoken sentences", clips_idle, services.clips_forget)
