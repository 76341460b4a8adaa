"""What the pages show of jobs and pictures, made ready for the templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from apps.accounts.models import User
from apps.images import jobs, registry, retention, selectors
from apps.images.models import Image, ImageJob
from apps.images.selectors import PAGE, Filters


@dataclass(frozen=True, slots=True)
class EngineCard:
    """What draws here, in words; `is_painter` offers the way to something better."""

    label: str
    model: str
    is_painter: bool


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of the gallery."""

    image: Image
    job: ImageJob
    url: str
    thumbnail: str
    page: str
    reuse: str
    engine: str
    is_painted: bool
    goes_at: datetime | None = None

    @property
    def id(self) -> UUID:
        return self.image.id

    @property
    def is_kept(self) -> bool:
        return self.image.kept_at is not None


@dataclass(frozen=True, slots=True)
class Shelf:
    """A part of the gallery; `more` is the address of the next one."""

    tiles: Sequence[Tile]
    more: str
    filters: Filters


@dataclass(frozen=True, slots=True)
class JobCard:
    """One job with its pictures."""

    job: ImageJob
    tiles: Sequence[Tile]
    position: int | None
    engine: str
    is_painted: bool
    cached: bool = False

    @property
    def percent(self) -> int:
        return round(self.job.progress * 100)


def engine_card() -> EngineCard:
    """The engine of this installation."""
    engine = registry.engine()
    return EngineCard(label(engine.kind), engine.model, engine.kind == "painter")


def label(kind: str) -> str:
    return registry.LABELS.get(kind, kind)


def engine_choices(*, user: User) -> list[tuple[str, str]]:
    """The engines that one can filter by: those that this user has pictures of, where there are several."""
    used = selectors.engines_used(user=user)
    return [(kind, label(kind)) for kind in used] if len(used) > 1 else []


def tile(image: Image) -> Tile:
    """A picture as the gallery shows it."""
    job = image.job
    return Tile(
        image=image,
        job=job,
        url=jobs.address(image.file),
        thumbnail=jobs.address(image.thumbnail),
        page=reverse("images:image", args=[image.id]),
        reuse=f"{reverse('images:page')}?{urlencode(_settings(job, image.seed))}",
        engine=label(job.engine),
        is_painted=job.engine == "painter",
        goes_at=retention.goes_at(image),
    )


def _settings(job: ImageJob, seed: int) -> dict[str, object]:
    return {
        "prompt": job.prompt,
        "negative_prompt": job.negative_prompt,
        "size": f"{job.width}x{job.height}",
        "steps": job.steps,
        "guidance": job.guidance,
        "seed": seed,
    }


def shelf(images: Sequence[Image], filters: Filters) -> Shelf:
    """A page of the gallery and the way to the next one."""
    more = ""
    if len(images) == PAGE:
        last = images[-1]
        known = {
            "q": filters.text,
            "engine": filters.engine,
            "since": filters.since or "",
            "until": filters.until or "",
            "after": f"{last.created_at.isoformat()}~{last.id}",
        }
        more = f"{reverse('images:page')}?{urlencode({name: value for name, value in known.items() if value})}"
    return Shelf([tile(image) for image in images], more, filters)


def job_card(job: ImageJob, *, cached: bool = False, places: dict[UUID, int] | None = None) -> JobCard:
    """A job as the room shows it; one query more where its place in the line is not among those given."""
    found = selectors.places(jobs=[job]) if places is None else places
    return JobCard(
        job=job,
        tiles=[tile(image) for image in jobs.shown(job)],
        position=found.get(job.id),
        engine=label(job.engine),
        is_painted=job.engine == "painter",
        cached=cached,
    )


def job_cards(found: Sequence[ImageJob]) -> list[JobCard]:
    places = selectors.places(jobs=found)
    return [job_card(job, places=places) for job in found]
