"""Rows of the core: answers to requests that may come twice, and what administrators do."""

from __future__ import annotations

import uuid

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


class AuditEntry(models.Model):
    """Something that an administrator did. PostgreSQL itself refuses to change or delete one (migration 0002).

    People are named by number and name, without a foreign key: the entry outlives the account.
    """

    class Action(models.TextChoices):
        CONTENTS = "contents", "Looked at contents"
        CLOSE = "close", "Closed a live session"
        CLEAR = "clear", "Cleared remembered answers"
        DRAIN = "drain", "Stopped a provider"
        UNDRAIN = "undrain", "Let a provider on again"
        BULK = "bulk", "Started a bulk action"
        BULK_END = "bulk_end", "A bulk action ended"
        BULK_CANCEL = "bulk_cancel", "Cancelled a bulk action"
        EXPORT = "export", "Took an export"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now, editable=False)
    actor_id = models.BigIntegerField(null=True, editable=False)
    actor = models.CharField("who", max_length=150, editable=False)
    address = models.CharField("from", max_length=64, blank=True, editable=False)
    action = models.CharField("what", max_length=12, choices=Action, editable=False)
    target = models.CharField("on what", max_length=200, blank=True, editable=False)
    reason = models.TextField("why", blank=True, editable=False)
    details = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        indexes = [
            models.Index("at", name="audit_at"),
            models.Index("actor", "at", name="audit_actor"),
            models.Index("action", "at", name="audit_action"),
            models.Index("target", "at", name="audit_target"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.at:%Y-%m-%d %H:%M}"


class BulkJob(models.Model):
    """Something to be done to many rows: one after the other, in the background, whoever's worker is alive.

    While it is RUNNING a `worker` holds a lease and renews it. What is still to be done are its items; a batch of them
    goes with what it did in one transaction, so that nothing is done twice and nothing left out.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    label = models.CharField("what", max_length=120)
    options = models.JSONField(default=dict, blank=True)
    actor_id = models.BigIntegerField(null=True, editable=False)
    actor = models.CharField("who", max_length=150)
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    total = models.PositiveBigIntegerField(default=0)
    done = models.PositiveBigIntegerField(default=0, help_text="Rows looked at")
    changed = models.PositiveBigIntegerField(default=0, help_text="Rows that were changed, or written into the file")
    parts = models.PositiveIntegerField(default=0, help_text="Pieces of the file, where it makes one")
    problem = models.TextField(blank=True)
    cancel_requested = models.BooleanField(default=False)
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "bulk action"
        indexes = [
            models.Index("created_at", name="bulk_job_age"),
            models.Index("created_at", name="bulk_job_open", condition=models.Q(state__in=["queued", "running"])),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.get_state_display().lower()})"

    @property
    def is_over(self) -> bool:
        return self.state not in self.OPEN

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 100


class BulkItem(models.Model):
    """A row that a bulk action has not come to yet, by its key as text."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, related_name="items", db_index=False)
    key = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index("job", "id", name="bulk_item_next")]

    def __str__(self) -> str:
        return self.key


class Office(models.Model):
    """No table: the name under which the rights of the admin's own pages are kept."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("see_contents", "May look at what people wrote, after saying why"),
            ("see_sessions", "May see live sessions"),
            ("close_sessions", "May close live sessions"),
            ("see_cache", "May see how full the memory for answers is"),
            ("clear_cache", "May clear remembered answers"),
            ("see_providers", "May see how the providers do"),
            ("drain_providers", "May stop providers and let them on again"),
            ("export_rows", "May export lists as CSV"),
        ]

    def __str__(self) -> str:
        return "office"
