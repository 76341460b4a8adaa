"""What the monitor keeps: a row of figures a minute, the nightly cleanups, alarms, and what was told of them."""

from __future__ import annotations

import uuid

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


class Watch(models.Model):
    """The one row that says when somebody last looked for alarms: whoever moves it on does the looking."""

    looked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.looked_at:%Y-%m-%d %H:%M:%S}"


class Alert(models.Model):
    """How one rule stands for one subject (see `alarms.Standing`). It is told when raised, and when over."""

    rule = models.CharField(max_length=20)
    subject = models.CharField(max_length=120, blank=True)
    raised = models.BooleanField(default=False)
    against_since = models.DateTimeField(null=True, blank=True)
    value = models.FloatField(null=True, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-raised", "-changed_at"]
        constraints = [models.UniqueConstraint("rule", "subject", name="alert_once")]

    def __str__(self) -> str:
        return f"{self.rule} {self.subject}".strip()


class Notice(models.Model):
    """One message about alarms on one way out, kept until it is delivered and for a month after."""

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Webhook"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.CharField(max_length=7, choices=Channel)
    body = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True)
    told = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        help_text="The addresses that have it, where it goes to several",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index("next_at", name="notice_due", condition=models.Q(next_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} of {self.created_at:%Y-%m-%d %H:%M}"
