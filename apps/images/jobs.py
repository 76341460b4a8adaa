"""How a job and its pictures look from outside: the shape that programs and the page count on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse

from apps.images import selectors
from apps.images.models import Image, ImageJob


def shape(job: ImageJob, *, cached: bool | None = None, places: dict[UUID, int] | None = None) -> dict[str, Any]:
    """The job as JSON; `places` are those of waiting jobs where the caller has looked them up for many."""
    facts: dict[str, Any] = {
        "id": str(job.id),
        "state": job.state,
        "progress": round(job.progress, 4),
        "images": [picture(image) for image in shown(job)],
        "prompt": job.prompt,
        "negative_prompt": job.negative_prompt,
        "width": job.width,
        "height": job.height,
        "steps": job.steps,
        "guidance": job.guidance,
        "seed": job.seed,
        "n": job.count,
        "engine": job.engine,
        "model": job.model,
        "created_at": job.created_at.isoformat(),
    }
    if job.state == ImageJob.State.QUEUED:
        place = (selectors.places(jobs=[job]) if places is None else places).get(job.id)
        facts |= {} if place is None else {"position": place}
    if job.state == ImageJob.State.FAILED:
        facts["error"] = {"code": job.error_code, "message": job.error_message, "hint": job.error_hint}
    if cached is not None:
        facts["cached"] = cached
    return facts


def shown(job: ImageJob) -> list[Image]:
    """The job's pictures that are not deleted, in order; from what was fetched with the job where it was."""
    return sorted((image for image in job.images.all() if image.deleted_at is None), key=lambda image: image.position)


def picture(image: Image) -> dict[str, Any]:
    return {
        "id": str(image.id),
        "url": address(image.file),
        "thumbnail_url": address(image.thumbnail),
        "width": image.width,
        "height": image.height,
        "seed": image.seed,
    }


def address(name: str) -> str:
    """Where a file is served to its owner."""
    return reverse("images:file", args=[name])
