"""Rows of speech: recordings with their transcripts, spoken clips, and how somebody likes to be spoken to."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class Recording(models.Model):
    """One recording that somebody sent, and the job of writing down what is said in it.

    A job that is RUNNING has an `owner` (one incarnation of one worker) that renews `lease_until`; when the lease is
    over another worker takes it, see `services.recording_claim`.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Listening"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recordings")
    name = models.CharField(max_length=200, blank=True, help_text="What its sender calls it")
    file = models.CharField(max_length=200, editable=False, help_text="Its name in the storage")
    size = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(null=True, blank=True)
    language = models.CharField(max_length=16, blank=True)
    engine = models.CharField(max_length=40, blank=True)
    asked_by = models.CharField(
        max_length=64, blank=True, default="", db_default="", editable=False, help_text="The request that brought it"
    )

    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    progress = models.FloatField(default=0.0)
    attempts = models.PositiveSmallIntegerField(default=0)
    owner = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(default=timezone.now, editable=False, help_text="Last opened; to the day")
    kept_at = models.DateTimeField(null=True, blank=True, help_text="Its owner keeps it: no cleanup takes it")
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index("used_at", name="recording_idle", condition=models.Q(deleted_at=None, kept_at=None)),
            models.Index("deleted_at", name="recording_deleted", condition=models.Q(deleted_at__isnull=False)),
            models.Index("user", models.F("created_at").desc(), name="recording_recent"),
            models.Index("created_at", name="recording_age"),
            models.Index("state", "lease_until", name="recording_open", condition=models.Q(finished_at=None)),
        ]

    def __str__(self) -> str:
        return f"Recording {self.id}"

    @property
    def is_over(self) -> bool:
        return self.finished_at is not None


class Segment(models.Model):
    """What is said in a recording from one pause to the next; times in seconds."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="segments", db_index=False)
    position = models.PositiveIntegerField()
    start = models.FloatField()
    end = models.FloatField()
    text = models.TextField()
    words = models.JSONField(default=list, blank=True, help_text="[word, start, end] for each word")

    class Meta:
        constraints = [models.UniqueConstraint("recording", "position", name="segment_once")]
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.start:.1f}–{self.end:.1f} s of {self.recording_id}"


class Clip(models.Model):
    """A sentence that was spoken, kept so that the same text in the same voice is not spoken anew."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="clips")
    digest = models.CharField(max_length=64, editable=False, help_text="Of engine, voice, speed, language, kind, text")
    file = models.CharField(max_length=200, editable=False)
    size = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    engine = models.CharField(max_length=40, blank=True)
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint("user", "digest", name="clip_once")]
        indexes = [models.Index("used_at", name="clip_used")]

    def __str__(self) -> str:
        return f"Clip {self.id}"


class Preference(models.Model):
    """How somebody likes to speak and be spoken to. No row: everything as it comes."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="voice_preference"
    )
    voice = models.CharField(max_length=100, blank=True)
    speed = models.FloatField(default=1.0)
    language = models.CharField(max_length=16, blank=True)
    browser_voice = models.BooleanField("let the browser speak", default=False)
    stop_answer = models.BooleanField("speaking also stops the answer", default=False)

    def __str__(self) -> str:
        return f"voice preference of {self.user_id}"
