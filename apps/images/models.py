"""Rows of the pictures: jobs that somebody ordered, and the pictures that came of them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class ImageJob(models.Model):
    """One order. While it is RUNNING a `worker` holds a lease on it and renews it; `attempts` counts who took it up.

    The row is the truth: a message to the worker only says that there is something to do. Whoever ends a job does so on
    the condition that it still holds it, so that there is one end and one set of pictures.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="image_jobs")
    prompt = models.TextField()
    negative_prompt = models.TextField(blank=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    steps = models.PositiveIntegerField()
    guidance = models.FloatField()
    seed = models.BigIntegerField(help_text="The seed of the first picture; each further one has the next number")
    count = models.PositiveSmallIntegerField(default=1)
    engine = models.CharField(max_length=40)
    model = models.CharField(max_length=200, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True, help_text="Equal for orders of the same pictures")
    attached_to = models.UUIDField(null=True, blank=True, help_text="The message of a chat that shows it")
    asked_by = models.CharField(
        max_length=64, blank=True, default="", db_default="", editable=False, help_text="The request that ordered it"
    )

    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    progress = models.FloatField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    losses = models.PositiveSmallIntegerField(default=0, help_text="How often its worker died over it")
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index("owner", models.F("created_at").desc(), "id", name="image_job_recent"),
            models.Index("created_at", name="image_job_age"),
            models.Index("owner", models.F("started_at").desc(), name="image_job_started"),
            models.Index("created_at", name="image_job_queued", condition=models.Q(state="queued")),
            models.Index("lease_until", name="image_job_running", condition=models.Q(state="running")),
            models.Index("owner", "fingerprint", name="image_job_equal", condition=~models.Q(fingerprint="")),
            models.Index("finished_at", name="image_job_over", condition=models.Q(attached_to=None)),
            models.Index("attached_to", name="image_job_attached", condition=models.Q(attached_to__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.id}"

    @property
    def is_over(self) -> bool:
        return self.state not in {self.State.QUEUED, self.State.RUNNING}


class Image(models.Model):
    """One picture in somebody's gallery. `file` and `thumbnail` are names that the server made."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="images")
    job = models.ForeignKey(ImageJob, on_delete=models.CASCADE, related_name="images", db_index=False)
    position = models.PositiveSmallIntegerField(default=0)
    file = models.CharField(max_length=80, unique=True)
    thumbnail = models.CharField(max_length=80, unique=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField(help_text="Bytes of the file")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file")
    seed = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True)
    kept_at = models.DateTimeField(null=True, blank=True, help_text="Its owner keeps it: no cleanup takes it")

    class Meta:
        constraints = [models.UniqueConstraint("job", "position", name="image_once_per_place")]
        indexes = [
            models.Index(
                "owner",
                models.F("created_at").desc(),
                models.F("id").desc(),
                name="image_gallery",
                condition=models.Q(deleted_at=None),
            ),
            models.Index("created_at", name="image_age"),
            models.Index("deleted_at", name="image_deleted", condition=models.Q(deleted_at__isnull=False)),
            models.Index("created_at", name="image_idle", condition=models.Q(deleted_at=None, kept_at=None)),
        ]

    def __str__(self) -> str:
        return self.file
