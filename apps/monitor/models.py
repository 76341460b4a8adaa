"""What the monitor keeps: one row of figures a minute, and the nightly cleanups."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Cleanup(models.Model):
    """One night's cleanup: what it hid, and what it has announced for the next night."""

    began_at = models.DateTimeField(default=timezone.now, editable=False)
    hidden = models.JSONField(default=dict)
    announced = models.JSONField(default=dict, help_text="What will be hidden in the next night unless it is used")
    seconds = models.FloatField(default=0)

    class Meta:
        ordering = ["-began_at"]
        get_latest_by = "began_at"

    def __str__(self) -> str:
        return f"Cleanup of {self.began_at:%Y-%m-%d %H:%M}"


class Sample(models.Model):
    """The figures of one minute, all processes together (see `series.figures`)."""

    minute = models.DateTimeField(unique=True)
    figures = models.JSONField(default=dict)

    class Meta:
        ordering = ["-minute"]

    def __str__(self) -> str:
        return f"{self.minute:%Y-%m-%d %H:%M}"
