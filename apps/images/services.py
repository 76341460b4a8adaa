"""Writes of the pictures. Whoever calls names the user; rows of others are never reached."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from apps.accounts import hooks
from apps.accounts.models import HookEvent, User
from apps.core import metrics, stored, tracing, wakeups
from apps.core.errors import Busy, Invalid, NitroError
from apps.images import hearing, names, registry, selectors, statements
from apps.images.models import Image, ImageJob
from apps.images.orders import LARGEST_SEED, Order
from apps.images.providers.base import Engine

LEASE = timedelta(seconds=25)
MOST_LOSSES = 3
REMEMBERED_ATTEMPTS = 3
MOST_WAITING = 200
UNDO_WINDOW = timedelta(hours=24)
WORK, QUEUE = "apps.images.tasks.work", "images"
State = ImageJob.State
SECONDS = metrics.histogram("nitro_image_seconds", "From an order of pictures to the last of them.")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One finished picture whose files are saved."""

    position: int
    file: str
    thumbnail: str
    width: int
    height: int
    size: int
    digest: str
    seed: int


@dataclass(frozen=True, slots=True)
class Ordered:
    """A job and whether its pictures were there, or being made, already."""

    job: ImageJob
    cached: bool


# --- orders -----------------------------------------------------------------------------------------------------------


def job_create(*, user: User, order: Order, attached_to: UUID | None = None) -> Ordered:
    """Take an order. With a seed, an equal one of this user is answered with the pictures that it made.

    Raises `Invalid` for what the engine cannot draw and `Busy` where this user has too many orders waiting.
    """
    engine = registry.engine()
    order = order.checked(engine.limits)
    chosen = order.seed is not None
    seed = secrets.randbelow(LARGEST_SEED - 16) if order.seed is None else order.seed
    order = replace(order, seed=seed)
    fingerprint = order.fingerprint(engine=engine.kind, model=engine.model)
    if chosen and attached_to is None and (equal := selectors.job_equal(user=user, fingerprint=fingerprint)):
        return Ordered(equal, True)
    _room_or_busy(user)
    job = ImageJob.objects.create(
        owner=user,
        prompt=order.prompt,
        negative_prompt=order.negative_prompt,
        width=order.width,
        height=order.height,
        steps=order.steps,
        guidance=order.guidance,
        seed=seed,
        count=order.count,
        engine=engine.kind,
        model=engine.model,
        fingerprint=fingerprint,
        attached_to=attached_to,
        asked_by=tracing.current(),
    )
    wakeups.wake(WORK, queue=QUEUE)
    hearing.tell(job)
    return Ordered(job, False)


def _room_or_busy(user: User) -> None:
    waiting = ImageJob.objects.filter(owner=user, state=State.QUEUED)[:MOST_WAITING].count()
    if waiting >= MOST_WAITING:
        raise Busy(
            f"You have {waiting} orders waiting already.",
            code="too_many_waiting",
            hint="Wait until some are done, or cancel some.",
            retry_after=30,
        )


def job_cancel(*, user: User, job_id: UUID) -> ImageJob:
    """End a job: at once where it waits, and within two seconds where it is being drawn."""
    job = selectors.job_get(user=user, job_id=job_id)
    waiting = ImageJob.objects.filter(id=job.id, state=State.QUEUED)
    waiting.update(state=State.CANCELLED, finished_at=timezone.now(), cancel_requested=True)
    ImageJob.objects.filter(id=job.id, state=State.RUNNING).update(cancel_requested=True)
    job = selectors.job_get(user=user, job_id=job_id)
    hearing.tell(job)
    return job


def job_retry(*, user: User, job_id: UUID) -> ImageJob:
    """Queue a failed or cancelled job again, with the same seed."""
    job = selectors.job_get(user=user, job_id=job_id)
    again = ImageJob.objects.filter(id=job.id, state__in=(State.FAILED, State.CANCELLED)).update(
        state=State.QUEUED,
        progress=0,
        cancel_requested=False,
        losses=0,
        error_code="",
        error_message="",
        error_hint="",
        asked_by=tracing.current(),
        created_at=timezone.now(),
        started_at=None,
        finished_at=None,
    )
    if not again:
        raise Invalid("Only a job that failed or was cancelled can be tried again.", code="not_over")
    wakeups.wake(WORK, queue=QUEUE)
    job = selectors.job_get(user=user, job_id=job_id)
    hearing.tell(job)
    return job


def job_delete(*, user: User, job_id: UUID) -> None:
    """Put away a job that came to nothing."""
    job = selectors.job_get(user=user, job_id=job_id)
    over = ImageJob.objects.filter(id=job.id, state__in=(State.FAILED, State.CANCELLED), images=None)
    over.delete()


# --- the gallery ------------------------------------------------------------------------------------------------------


def image_delete(*, user: User, image_id: UUID) -> Image:
    """Hide a picture; it can be brought back for a day."""
    image = selectors.image_get(user=user, image_id=image_id)
    image.deleted_at = timezone.now()
    image.save(update_fields=["deleted_at"])
    return image


def image_restore(*, user: User, image_id: UUID) -> Image:
    """Bring a deleted picture back."""
    image = selectors.image_get(user=user, image_id=image_id, deleted=True)
    image.deleted_at = None
    image.save(update_fields=["deleted_at"])
    return image


def image_keep(*, user: User, image_id: UUID, kept: bool) -> Image:
    """Keep a picture from the cleanup, or leave it to it again."""
    image = selectors.image_get(user=user, image_id=image_id)
    image.kept_at = timezone.now() if kept else None
    image.save(update_fields=["kept_at"])
    return image


def jobs_detach(*, messages: QuerySet[Any]) -> None:
    """The messages that showed pictures are about to go: the pictures are like any other of the gallery then."""
    ImageJob.objects.filter(attached_to__isnull=False, attached_to__in=messages.values("pk")).update(attached_to=None)


def images_purge(*, now: datetime) -> int:
    """Remove for good what was deleted a day ago, files first: a row without its file can be tried again."""
    rows = selectors.images_purgeable(before=now - UNDO_WINDOW)
    gone = [row.id for row in rows if not _files_delete([row.file, row.thumbnail])]
    Image.objects.filter(id__in=gone).delete()
    return len(gone)


def _files_delete(found: Sequence[str]) -> int:
    return stored.delete(names.stored(name) for name in found)


# --- for the worker ---------------------------------------------------------------------------------------------------


def job_claim(*, worker: str) -> ImageJob | None:
    """Take the next job that waits, with a lease on it; None where nothing does."""
    now = timezone.now()
    job_id = statements.claim(worker=worker, now=now, lease=now + LEASE)
    if job_id is None:
        return None
    job = ImageJob.objects.get(id=job_id)
    for attempt in range(max(1, job.attempts - REMEMBERED_ATTEMPTS), job.attempts):
        _files_delete(names.of_attempt(job.id, attempt, job.count))
    return job


def job_adopt(*, job: ImageJob, engine: Engine) -> None:
    """Where another engine draws by now than when it was ordered, let the row say so.

    Raises `Invalid` for what this one cannot draw.
    """
    if (job.engine, job.model) == (engine.kind, engine.model):
        return
    order = Order(
        prompt=job.prompt,
        negative_prompt=job.negative_prompt,
        width=job.width,
        height=job.height,
        steps=job.steps,
        guidance=job.guidance,
        seed=job.seed,
        count=job.count,
    ).checked(engine.limits)
    fingerprint = order.fingerprint(engine=engine.kind, model=engine.model)
    _held(job).update(engine=engine.kind, model=engine.model, fingerprint=fingerprint)


def job_beat(*, job: ImageJob, progress: float) -> str:
    """Renew the lease. Returns what to do: "go on", "cancel", or "lost" where somebody else has the job by now."""
    held = _held(job)
    if not held.update(lease_until=timezone.now() + LEASE, progress=min(max(progress, 0.0), 1.0)):
        return "lost"
    return "cancel" if held.filter(cancel_requested=True).exists() else "go on"


def job_finish(*, job: ImageJob, drawn: Sequence[Drawn]) -> bool:
    """Save the pictures of a job, once; False where it is no longer ours, and then nothing of it stays."""
    with transaction.atomic():
        mine = _held(job).filter(cancel_requested=False).update(**_over(State.DONE), progress=1)
        if mine:
            made = Image.objects.bulk_create(_image(job, one) for one in drawn)
            hooks.announce(user_id=job.owner_id, event=HookEvent.IMAGE, data=_told(job, made))
            SECONDS.observe((timezone.now() - job.created_at).total_seconds())
    if not mine:
        _files_delete([name for one in drawn for name in (one.file, one.thumbnail)])
    return bool(mine)


def _told(job: ImageJob, made: Sequence[Image]) -> dict[str, object]:
    """What its owner's own server hears of a job that is done."""
    pictures = [
        {"id": str(one.id), "url": reverse("images:file", args=[one.file]), "seed": one.seed}
        | {"width": one.width, "height": one.height}
        for one in made
    ]
    return {"id": str(job.id), "prompt": job.prompt, "engine": job.engine, "images": pictures}


def _image(job: ImageJob, one: Drawn) -> Image:
    return Image(
        owner_id=job.owner_id,
        job=job,
        position=one.position,
        file=one.file,
        thumbnail=one.thumbnail,
        width=one.width,
        height=one.height,
        size=one.size,
        digest=one.digest,
        seed=one.seed,
    )


def job_fail(*, job: ImageJob, error: NitroError) -> bool:
    """End a job with what went wrong; False where it is no longer ours."""
    columns = {"error_code": error.code, "error_message": error.message, "error_hint": error.hint}
    return bool(_held(job).update(**_over(State.FAILED), **columns))


def job_cancelled(*, job: ImageJob) -> bool:
    """End a job as its owner wished."""
    return bool(_held(job).update(**_over(State.CANCELLED)))


def job_give_back(*, job: ImageJob) -> bool:
    """Queue a job again that this worker cannot go on with, since it is about to stop. It costs no attempt."""
    return bool(_held(job).update(state=State.QUEUED, worker="", lease_until=None, progress=0, started_at=None))


def files_discard(*, job: ImageJob) -> None:
    """Remove whatever this attempt has saved."""
    _files_delete(names.of_attempt(job.id, job.attempts, job.count))


def jobs_rescue(*, now: datetime) -> int:
    """Queue the jobs of dead workers again; one that has outlived three of them has failed. Returns how many."""
    rescued = 0
    for job in selectors.jobs_orphaned(now=now):
        if _held(job).filter(lease_until__lt=now).update(**_after_loss(job), losses=job.losses + 1):
            files_discard(job=job)
            hearing.tell(ImageJob.objects.get(id=job.id))
            rescued += 1
    return rescued


def _after_loss(job: ImageJob) -> dict[str, object]:
    """What becomes of a job whose worker is gone."""
    if job.cancel_requested:
        return _over(State.CANCELLED)
    if job.losses + 1 < MOST_LOSSES:
        return {"state": State.QUEUED, "worker": "", "lease_until": None, "progress": 0}
    return {
        **_over(State.FAILED),
        "error_code": "worker_lost",
        "error_message": "The worker broke down while it was drawing this, several times.",
        "error_hint": "Try a smaller picture; the machine may be short of memory.",
    }


def _held(job: ImageJob) -> QuerySet[ImageJob]:
    """The job's row, as long as it is this attempt's."""
    return ImageJob.objects.filter(id=job.id, state=State.RUNNING, worker=job.worker, attempts=job.attempts)


def _over(state: str) -> dict[str, object]:
    return {"state": state, "lease_until": None, "worker": "", "finished_at": timezone.now()}
