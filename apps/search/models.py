"""Rows of web search: what somebody searched for, the pages that were read, their passages, and what cites them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils import timezone

# How people call the engines that the settings name.
ENGINES = {
    "searxng": "SearXNG",
    "brave": "Brave",
    "gemini": "Gemini",
    "ddgs": "DuckDuckGo",
    "library": "your own library",
}


class Search(models.Model):
    """One search of one owner. `message_id` names the chat's answer that was written from it, where there is one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="searches")
    query = models.TextField()
    engine = models.CharField(max_length=40, blank=True)
    offline = models.BooleanField(default=False)
    cached = models.BooleanField(default=False)
    note = models.TextField(blank=True, help_text="What the person should know, such as that nobody could be asked")
    message_id = models.UUIDField(null=True, blank=True)
    conversation_id = models.UUIDField(null=True, blank=True)
    answer = models.TextField(blank=True, help_text="The cited answer, where no chat keeps it")
    model = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True)
    kept_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "searches"
        indexes = [
            models.Index("owner", models.F("created_at").desc(), name="search_recent"),
            models.Index("created_at", name="search_age"),
            models.Index("deleted_at", name="search_deleted", condition=models.Q(deleted_at__isnull=False)),
            models.Index("message_id", name="search_of_message", condition=models.Q(message_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"Search {self.id}"

    @property
    def engine_name(self) -> str:
        """The engine as people call it; nothing where none was asked."""
        return ENGINES.get(self.engine, self.engine)


class Source(models.Model):
    """A page of a search, read or not. Its text is kept so that what was quoted can still be read next year."""

    class State(models.TextChoices):
        READ = "read", "Read"
        FAILED = "failed", "Not reached"
        SLOW = "slow", "Too slow"
        FORBIDDEN = "forbidden", "Closed to robots"
        REFUSED = "refused", "Not visited"
        EMPTY = "empty", "Without text"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="sources", db_index=False)
    number = models.PositiveSmallIntegerField()
    url = models.TextField()
    title = models.TextField(blank=True)
    snippet = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State)
    reason = models.TextField(blank=True)
    language = models.CharField(max_length=20, blank=True)
    text = models.TextField(blank=True)
    words = SearchVectorField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint("search", "number", name="source_number")]
        indexes = [GinIndex("words", name="source_words")]

    def __str__(self) -> str:
        return f"Source {self.number} of {self.search_id}"


class Passage(models.Model):
    """A piece of a source's text: `text` is `source.text[start:end]`, to the letter."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="passages")
    rank = models.PositiveSmallIntegerField(help_text="0 is the passage of this source that fits the question best")
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text = models.TextField()
    score = models.FloatField(default=0.0)

    class Meta:
        ordering = ("rank",)

    def __str__(self) -> str:
        return f"Passage {self.id}"


class Citation(models.Model):
    """A mark in an answer: the claim before it, and the passage that it opens."""

    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="citations")
    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="citations")
    position = models.PositiveSmallIntegerField(help_text="Which mark of the answer this is, counted from 1")
    number = models.PositiveSmallIntegerField(help_text="The number that the mark shows")
    claim = models.TextField()

    class Meta:
        ordering = ("position",)

    def __str__(self) -> str:
        return f"Mark {self.position} of {self.search_id}"
