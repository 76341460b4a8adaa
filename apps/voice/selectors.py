"""Reads of speech. Every function takes the user first: there is no other way to somebody's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.voice.audio import Heard, Segment, Word
from apps.voice.models import Clip, Preference, Recording

LIST_LIMIT = 50


def recording_get(*, user: User, recording_id: UUID) -> Recording:
    """Raises `NotFound` for those of others."""
    found = Recording.objects.filter(user=user, id=recording_id, deleted_at=None).first()
    if found is None:
        raise NotFound("There is no such recording.")
    return found


def recording_list(*, user: User) -> QuerySet[Recording]:
    """The newest first."""
    return Recording.objects.filter(user=user, deleted_at=None).order_by("-created_at", "-id")


def recordings_active(*, user: User) -> int:
    """How many of somebody's recordings wait or are being listened to."""
    return Recording.objects.filter(user=user, finished_at=None).count()


def transcript_get(*, user: User, recording_id: UUID) -> Heard:
    """What is said in a recording, as far as it was heard by now."""
    recording = recording_get(user=user, recording_id=recording_id)
    segments = tuple(
        Segment(row.start, row.end, row.text, tuple(Word(*word) for word in row.words))
        for row in recording.segments.all()
    )
    return Heard(segments, recording.seconds or 0.0, recording.language, recording.engine)


def clip_find(*, user: User, digest: str) -> Clip | None:
    """The clip of this text and voice, if somebody has heard it before."""
    return Clip.objects.filter(user=user, digest=digest).first()


def clips_unused(*, before: datetime, limit: int = 500) -> list[Clip]:
    """Clips of anybody that nobody has asked for since."""
    return list(Clip.objects.filter(used_at__lt=before).order_by("used_at")[:limit])


@dataclass(frozen=True, slots=True)
class Taste:
    """How somebody likes to be spoken to, complete."""

    voice: str
    speed: float
    language: str
    browser_voice: bool
    stop_answer: bool


def taste_get(*, user: User) -> Taste:
    row = Preference.objects.filter(user=user).first() or Preference()
    return Taste(
        voice=row.voice,
        speed=row.speed,
        language=row.language or settings.VOICE_LANGUAGE,
        browser_voice=row.browser_voice or settings.TTS_ENGINE == "browser",
        stop_answer=row.stop_answer,
    )


def recordings_waiting(*, now: datetime) -> QuerySet[Recording]:
    """Jobs of anybody that nobody works on: queued, or to be tried again by now, or left by a dead worker."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    return Recording.objects.filter(free, finished_at=None).order_by("created_at", "id")


def recordings_purgeable(*, before: datetime, limit: int = 500) -> list[Recording]:
    """Recordings that were hidden before then."""
    return list(Recording.objects.filter(deleted_at__lt=before)[:limit])


def files_known(*, names: Sequence[str]) -> set[str]:
    """Which of these files belong to a row, whoever's it is."""
    recordings = Recording.objects.filter(file__in=names).values_list("file", flat=True)
    return {*recordings, *Clip.objects.filter(file__in=names).values_list("file", flat=True)}
