"""Rows of the core: what was answered to requests that may come twice."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class Replay(models.Model):
    """The answer to one request with an `Idempotency-Key`, kept for a day, for whoever sends the same again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64, help_text="Hash of the method, the address and the body")
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True, help_text="JSON; kept as text, so that its members stay in their order")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint("user", "key", name="replay_once_per_key")]
        indexes = [models.Index("created_at", name="replay_age")]

    def __str__(self) -> str:
        return f"answer {self.status} to {self.key[:20]}"
