"""What goes in and out of the chat's API, field by field."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ConversationInput(serializers.Serializer[Any]):
    """What a program may say about a chat that it starts."""

    title = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    model = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class ConversationChange(serializers.Serializer[Any]):
    """What can be changed of a chat; what is left out stays."""

    title = serializers.CharField(max_length=120, required=False)
    model = serializers.CharField(max_length=200, required=False, allow_blank=True)


class ConversationOutput(serializers.Serializer[Any]):
    """A chat as programs see it."""

    id = serializers.UUIDField()
    title = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True, help_text="The model chosen for this chat; empty for the default.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ReplyUsage(serializers.Serializer[Any]):
    """Tokens, as the provider counted them or as they were estimated."""

    prompt_tokens = serializers.IntegerField(allow_null=True)
    completion_tokens = serializers.IntegerField(allow_null=True)


class Timing(serializers.Serializer[Any]):
    """How long an answer took."""

    queued_ms = serializers.IntegerField(allow_null=True)
    first_token_ms = serializers.IntegerField(allow_null=True)
    total_ms = serializers.IntegerField(allow_null=True)
    tokens_per_second = serializers.FloatField(allow_null=True)


class MessageOutput(serializers.Serializer[Any]):
    """One message of the path that is shown; an answer tells of its last turn."""

    id = serializers.UUIDField()
    parent_id = serializers.UUIDField(allow_null=True, help_text="The message before it; null for the first one.")
    role = serializers.ChoiceField(choices=["user", "assistant"])
    text = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
