"""Rows of the chat: conversations, the tree of messages in them, and the turns that wrote the answers."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class Conversation(models.Model):
    """One chat of one owner. `leaf` is the last message of the path that is shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    title = models.CharField(max_length=120, blank=True)
    model = models.CharField(max_length=200, blank=True, help_text="The model chosen for this chat; blank: the default")
    options = models.JSONField(
        default=dict, blank=True, db_default=models.Value({}, models.JSONField()), help_text="Sampling, where chosen"
    )
    system_prompt = models.TextField(blank=True, db_default="", max_length=8000)
    pinned_at = models.DateTimeField(null=True, blank=True)
    leaf = models.ForeignKey("chat.Message", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                "owner",
                models.F("updated_at").desc(),
                name="conversation_recent",
                condition=models.Q(deleted_at=None),
            ),
            models.Index(
                "owner",
                models.F("pinned_at").desc(),
                name="conversation_pinned",
                condition=models.Q(deleted_at=None, pinned_at__isnull=False),
            ),
            models.Index(
                "updated_at",
                name="conversation_idle",
                condition=models.Q(deleted_at=None, pinned_at=None),
            ),
            models.Index("updated_at", name="conversation_used"),
            models.Index("deleted_at", name="conversation_deleted", condition=models.Q(deleted_at__isnull=False)),
        ]

    def __str__(self) -> str:
        """For logs and the admin: without a word of its owner's."""
        return f"Conversation {self.id}"

    @property
    def name(self) -> str:
        """What its owner sees."""
        return self.title or "New chat"


class Message(models.Model):
    """One question or answer. Siblings (equal `parent`) are versions of each other.

    The table has one column more, which PostgreSQL fills and only the search reads: `words` (migration 0002).
    """

    class Role(models.TextChoices):
        USER = "user", "Question"
        ASSISTANT = "assistant", "Answer"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages", db_index=False)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="children")
    position = models.PositiveIntegerField(default=0, help_text="How many messages stand before it on its path")
    role = models.CharField(max_length=10, choices=Role)
    text = models.TextField(blank=True)
    reasoning = models.TextField(blank=True)
    html = models.TextField(blank=True, help_text="The answer's text, rendered and cleaned")
    html_version = models.PositiveSmallIntegerField(default=0, help_text="Version of the renderer that made html")
    attachment_ids = ArrayField(
        models.UUIDField(), default=list, blank=True, db_default=models.Value([], ArrayField(models.UUIDField()))
    )
    tool_calls = models.JSONField(default=list, blank=True, db_default=models.Value([], models.JSONField()))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [models.Index("conversation", "created_at", name="message_in_conversation")]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.id}"


class Attachment(models.Model):
    """A picture that somebody put beside a question: checked, turned upright and freed of everything but its pixels.

    It belongs to no chat until a question with it is accepted; what stays without one is deleted after a day.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="attachments")
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.CASCADE, related_name="attachments"
    )
    name = models.CharField(max_length=120, blank=True, help_text="What the file was called; only ever shown")
    media_type = models.CharField(max_length=40)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text="Bytes")
    file = models.CharField(max_length=200)
    thumbnail = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            models.Index("created_at", name="attachment_unsent", condition=models.Q(conversation=None)),
            models.Index("created_at", name="attachment_age"),
        ]

    def __str__(self) -> str:
        return f"Picture {self.id}"


class Turn(models.Model):
    """One run of a model towards one answer: its state, who runs it, and what it took.

    A turn that is RUNNING has an `owner` (one incarnation of one process) that renews `lease_until`. When the lease
    is over, or a new incarnation of the same process starts, the turn is repaired: see `services.turn_interrupt`.
    `marks` holds the end of each delta as an offset in the text of this turn, so that `seq` N of the socket can be
    found in the row after the log in Redis is gone.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped"
        INTERRUPTED = "interrupted", "Interrupted"
        FAILED = "failed", "Failed"

    class Kind(models.TextChoices):
        ASK = "ask", "Question"
        RETRY = "retry", "Another answer"
        EDIT = "edit", "Changed question"
        CONTINUE = "continue", "Continuation"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    question = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    answer = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="turns")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.ASK)
    request_id = models.UUIDField(default=uuid.uuid4, help_text="The id the client gave: the same one starts nothing")

    state = models.CharField(max_length=11, choices=State, default=State.RUNNING)
    finish_reason = models.CharField(max_length=11, blank=True)
    owner = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    stop_requested = models.BooleanField(default=False)
    base_length = models.PositiveIntegerField(default=0, help_text="Length of the answer before this turn went on")
    marks = ArrayField(models.PositiveIntegerField(), default=list, blank=True)

    choice = models.CharField(max_length=200, blank=True, help_text="The model that was asked for; blank: the default")
    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=200, blank=True)
    fallback_from = models.CharField(max_length=200, blank=True)
    fallback_reason = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="Why that one rested, in an administrator's words",
    )
    cached = models.BooleanField(default=False)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True, blank=True)
    completion_tokens = models.PositiveIntegerField(null=True, blank=True)
    queued_ms = models.PositiveIntegerField(null=True, blank=True)
    first_token_ms = models.PositiveIntegerField(null=True, blank=True)
    total_ms = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_second = models.FloatField(null=True, blank=True)
    context_tokens = models.PositiveIntegerField(null=True, blank=True, help_text="Of the prompt and its answer")
    context_window = models.PositiveIntegerField(null=True, blank=True, help_text="Of the model, in tokens")
    dropped_messages = models.PositiveIntegerField(default=0, db_default=0, help_text="Found no room in the prompt")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("conversation", "request_id", name="turn_once_per_request"),
        ]
        indexes = [
            models.Index("lease_until", name="turn_running", condition=models.Q(state="running")),
            models.Index("created_at", name="turn_age"),
            models.Index("state", "created_at", name="turn_state", condition=~models.Q(state="done")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.id} ({self.get_state_display()})"
