"""Rows of the language models: downloads of models, and which providers an administrator lets rest."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

NAME_LIMIT = 200


class Pull(models.Model):
    """The download of one model. At most one is under way for a name, whatever number of people ask for it.

    `holder` is the process that carries it until `lease_until`; when that has passed, any other one may go on with it.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Under way"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    UNDER_WAY = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=NAME_LIMIT)
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    status = models.CharField(max_length=200, blank=True, help_text="What the server says it is doing")
    completed = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    error_hint = models.CharField(max_length=500, blank=True)
    cancel_requested = models.BooleanField(default=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    holder = models.CharField(max_length=120, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "nitro_model_pull"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], name="one_pull_of_a_name", condition=models.Q(state__in=["queued", "running"])
            )
        ]
        indexes = [models.Index("updated_at", name="pull_recent")]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"

    @property
    def is_under_way(self) -> bool:
        return self.state in self.UNDER_WAY


class Drain(models.Model):
    """A kind of provider that takes no new questions until an administrator lets it on again."""

    kind = models.CharField(max_length=40, primary_key=True)
    reason = models.CharField(max_length=200, help_text="What people are told")
    by = models.CharField(max_length=150)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "nitro_provider_drain"

    def __str__(self) -> str:
        return f"{self.kind} takes no new questions"
