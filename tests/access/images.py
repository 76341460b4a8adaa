"""Who may do what at the addresses of pictures, and what there is of Alice."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import User
from apps.images.models import Image, ImageJob
from tests.access.table import SIGN_IN, Row, own, personal

PROGRAM = (202, 202, 401, 202, 401, 403)
HERS = (200, 404, 401, 404, 401, 403)

ROWS: tuple[Row, ...] = (
    personal("images:page", 200),
    personal("images:order", 302, "post", prompt="a boat"),
    own("images:job", 302),
    Row("images:attached", "get", (302, 404, SIGN_IN, 404, SIGN_IN, SIGN_IN), names={"message_id": "drawn_id"}),
    own("images:cancel", 302, "post"),
    Row("images:retry", "post", (302, 404, SIGN_IN, 404, SIGN_IN, SIGN_IN), names={"job_id": "failed_job_id"}),
    Row("images:dismiss", "post", (302, 404, SIGN_IN, 404, SIGN_IN, SIGN_IN), names={"job_id": "failed_job_id"}),
    Row("images:preview", "get", (404, 404, SIGN_IN, 404, SIGN_IN, SIGN_IN)),  # nothing is being drawn
    own("images:image", 200),
    own("images:delete", 302, "post"),
    own("images:keep", 302, "post", kept="1"),
    Row("images:restore", "post", (302, 404, SIGN_IN, 404, SIGN_IN, SIGN_IN), names={"image_id": "deleted_image_id"}),
    # The file itself is not there; whoever may see it hears that it is gone, as everybody else hears.
    Row("images:file", "get", (404, 404, SIGN_IN, 404, SIGN_IN, 403), scope="images"),
    Row("images:api-jobs", "get", (200, 200, 401, 200, 401, 403), scope="images", json=True),
    Row("images:api-jobs", "post", PROGRAM, scope="images", json=True, form={"prompt": "a boat"}),
    Row("images:api-batch", "post", (400, 400, 401, 400, 401, 403), scope="images", json=True),
    Row("images:openai-generations", "post", (400, 400, 401, 400, 401, 403), scope="images", json=True),
    Row("images:api-job", "get", HERS, scope="images", json=True),
    Row("images:api-cancel", "post", HERS, scope="images", json=True),
)


def things(alice: User) -> dict[str, Any]:
    """Jobs of hers, one waiting and one that failed; two pictures, one of them deleted."""
    waiting, failed = job(alice, "queued"), job(alice, "failed")
    shown, deleted = picture(waiting, 0), picture(waiting, 1)
    drawn = job(alice, "done")
    ImageJob.objects.filter(pk=drawn.pk).update(attached_to=drawn.pk)
    Image.objects.filter(pk=deleted.pk).update(deleted_at=deleted.created_at)
    return {
        "drawn_id": drawn.pk,
        "job_id": waiting.pk,
        "failed_job_id": failed.pk,
        "image_id": shown.pk,
        "deleted_image_id": deleted.pk,
        "name": shown.file,
    }


def job(alice: User, state: str) -> ImageJob:
    return ImageJob.objects.create(
        owner=alice, prompt="canary picture", width=64, height=64, steps=1, guidance=7, seed=1, engine="painter",
        state=state, error_message="canary error",
    )  # fmt: skip


def picture(made_by: ImageJob, position: int) -> Image:
    name = f"{made_by.pk.hex}-1-{position}"
    return Image.objects.create(
        owner=made_by.owner, job=made_by, position=position, file=f"{name}.png", thumbnail=f"{name}.small.webp",
        width=64, height=64, size=1, digest="0" * 64, seed=1,
    )  # fmt: skip


def kept() -> list[Any]:
    """The rows of Alice, to see whether somebody has changed them."""
    jobs = ImageJob.objects.filter(owner__username="alice", prompt="canary picture")
    images = Image.objects.filter(owner__username="alice")
    return [jobs.values_list("pk", "state", "cancel_requested"), images.values_list("pk", "deleted_at", "kept_at")]
