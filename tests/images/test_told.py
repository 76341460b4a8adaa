"""What is known outside of a job that is done: its owner's webhook, and the figures."""

from __future__ import annotations

import orjson
import pytest
from django.utils import timezone

from apps.accounts import hooks
from apps.accounts.models import Delivery
from apps.core import metrics
from apps.images import services
from apps.images.models import ImageJob
from apps.images.services import Drawn
from tests import cast

pytestmark = pytest.mark.django_db
PICTURE = Drawn(0, "a" * 32 + "-1-0.png", "a" * 32 + "-1-0.small.webp", 64, 48, 100, "0" * 64, 7)


@pytest.fixture
def job() -> ImageJob:
    """A job of Alice's that a worker has claimed; her own server wants to hear of pictures."""
    alice = cast.alice()
    hooks.webhook_create(user=alice, url="https://example.org/", events=["image.done"])
    made = ImageJob.objects.create(
        owner=alice, prompt="a sea", width=64, height=48, steps=1, guidance=1, seed=7, engine="painter"
    )
    claimed = services.job_claim(worker="w")
    assert claimed is not None
    assert claimed.id == made.id
    return claimed


def test_pictures_that_are_done_are_told_with_their_addresses(job: ImageJob) -> None:
    assert services.job_finish(job=job, drawn=[PICTURE])
    (row,) = Delivery.objects.all()
    data = orjson.loads(row.body)["data"]
    assert (data["id"], data["prompt"]) == (str(job.id), "a sea")
    assert data["images"][0]["url"] == f"/gallery/{PICTURE.file}"


def test_a_job_that_somebody_else_has_by_now_is_told_by_them_alone(job: ImageJob) -> None:
    ImageJob.objects.update(worker="another", lease_until=timezone.now())
    assert not services.job_finish(job=job, drawn=[PICTURE])
    assert not Delivery.objects.exists()


def test_how_long_it_took_is_counted(job: ImageJob) -> None:
    metrics.take()
    services.job_finish(job=job, drawn=[PICTURE])
    assert [field for field in metrics.take() if field.startswith("nitro_image_seconds\tsum")]
