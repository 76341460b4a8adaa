"""Reads of the pictures. Every function takes the user first: there is no other way to somebody's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.images import statements
from apps.images.models import Image, ImageJob
from apps.images.names import NAME

PAGE = 48
MOST_ACTIVE = 50


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the gallery is wanted; blank means everything."""

    text: str = ""
    engine: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def some(self) -> bool:
        return bool(self.text or self.engine or self.since or self.until)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the gallery to read on: after this picture."""

    created_at: datetime
    image_id: UUID


def job_get(*, user: User, job_id: UUID) -> ImageJob:
    """The user's job with its pictures; raises `NotFound` for everybody else's."""
    row = ImageJob.objects.filter(id=job_id, owner=user).prefetch_related("images").first()
    if row is None:
        raise NotFound("There is no such job.")
    return row


def jobs_of(*, user: User) -> QuerySet[ImageJob]:
    """The user's jobs, newest first, with their pictures."""
    return ImageJob.objects.filter(owner=user).order_by("-created_at", "id").prefetch_related("images")


def jobs_active(*, user: User) -> list[ImageJob]:
    """What waits, runs or has failed and was not put away yet, oldest first."""
    states = (ImageJob.State.QUEUED, ImageJob.State.RUNNING, ImageJob.State.FAILED)
    rows = ImageJob.objects.filter(owner=user, state__in=states, attached_to=None)
    return list(rows.order_by("created_at").prefetch_related("images")[:MOST_ACTIVE])


def job_attached(*, user: User, message_id: UUID) -> ImageJob:
    """The job that a message of a chat shows; raises `NotFound`."""
    row = ImageJob.objects.filter(owner=user, attached_to=message_id).prefetch_related("images").first()
    if row is None:
        raise NotFound("There is no picture in this message.")
    return row


def job_equal(*, user: User, fingerprint: str) -> ImageJob | None:
    """A job of the user that has made, or is making, the very same pictures; none of them deleted."""
    if not fingerprint:
        return None
    states = (ImageJob.State.QUEUED, ImageJob.State.RUNNING, ImageJob.State.DONE)
    rows = ImageJob.objects.filter(owner=user, fingerprint=fingerprint, state__in=states, cancel_requested=False)
    rows = rows.exclude(images__deleted_at__isnull=False)
    return rows.prefetch_related("images").order_by("-created_at").first()


def places(*, jobs: Sequence[ImageJob]) -> dict[UUID, int]:
    """Where the waiting ones of these jobs stand in the queue of everybody, counted from 1."""
    waiting = [job.id for job in jobs if job.state == ImageJob.State.QUEUED]
    return statements.places(ids=waiting) if waiting else {}


def image_get(*, user: User, image_id: UUID, deleted: bool = False) -> Image:
    """The user's picture with its job; raises `NotFound`."""
    rows = Image.objects.filter(id=image_id, owner=user, deleted_at__isnull=not deleted)
    row = rows.select_related("job").first()
    if row is None:
        raise NotFound("There is no such picture.")
    return row


def image_by_name(*, user: User, name: str) -> tuple[str, str]:
    """The stored name and digest of a file in the user's gallery, picture or thumbnail; raises `NotFound`.

    Deleted pictures are still found, so that a page that shows one while it is brought back has no holes.
    """
    if NAME.fullmatch(name):
        rows = Image.objects.filter(Q(file=name) | Q(thumbnail=name), owner=user)
        found = rows.values_list("digest", "file").first()
        if found is not None:
            return name, found[0] if found[1] == name else f"{found[0]}-small"
    raise NotFound("There is no such picture.")


def gallery(
    *, user: User, filters: Filters | None = None, after: Place | None = None, limit: int = PAGE
) -> list[Image]:
    """A page of the user's pictures with their jobs, newest first, `after` a place."""
    rows = _filtered(Image.objects.filter(owner=user, deleted_at=None), filters or Filters())
    if after is not None:
        rows = rows.filter(Q(created_at__lt=after.created_at) | Q(created_at=after.created_at, id__lt=after.image_id))
    return list(rows.select_related("job").order_by("-created_at", "-id")[:limit])


def _filtered(rows: QuerySet[Image], filters: Filters) -> QuerySet[Image]:
    for word in filters.text.split()[:8]:
        rows = rows.filter(job__prompt__icontains=word)
    if filters.engine:
        rows = rows.filter(job__engine=filters.engine)
    if filters.since:
        rows = rows.filter(created_at__date__gte=filters.since)
    if filters.until:
        rows = rows.filter(created_at__date__lte=filters.until)
    return rows


def engines_used(*, user: User) -> list[str]:
    """The kinds of engines that the user's jobs were made by."""
    return sorted(ImageJob.objects.filter(owner=user).order_by().values_list("engine", flat=True).distinct())


# --- for the worker ---------------------------------------------------------------------------------------------------


def queued_exist() -> bool:
    """Whether anything waits."""
    return ImageJob.objects.filter(state=ImageJob.State.QUEUED).exists()


def jobs_orphaned(*, now: datetime) -> list[ImageJob]:
    """Running jobs whose lease is over: their worker is gone."""
    return list(ImageJob.objects.filter(state=ImageJob.State.RUNNING, lease_until__lt=now)[:500])


def images_purgeable(*, before: datetime, limit: int = 500) -> list[Image]:
    """Pictures that were deleted before then."""
    return list(Image.objects.filter(deleted_at__lt=before)[:limit])


def names_known(*, names: Sequence[str]) -> set[str]:
    """Those of the names that a row uses."""
    rows = Image.objects.filter(Q(file__in=names) | Q(thumbnail__in=names)).values_list("file", "thumbnail")
    return {name for pair in rows for name in pair}
