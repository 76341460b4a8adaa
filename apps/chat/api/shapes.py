"""What goes in and out of the chat's API, field by field."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.chat.models import Conversation, Message, Turn
from apps.chat.search_selectors import Found


class ConversationInput(serializers.Serializer[Any]):
    """What a program may say about a chat that it starts."""

    title = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    model = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class ConversationChange(serializers.Serializer[Any]):
    """What can be changed of a chat; what is left out stays."""

    title = serializers.CharField(max_length=120, required=False)
    model = serializers.CharField(max_length=200, required=False, allow_blank=True)
    pinned = serializers.BooleanField(required=False, help_text="Whether it stays at the top of the list.")
    options = serializers.DictField(required=False, help_text="How its answers are sampled.")
    system_prompt = serializers.CharField(max_length=8000, required=False, allow_blank=True)


class ConversationOutput(serializers.Serializer[Any]):
    """A chat as programs see it."""

    id = serializers.UUIDField()
    title = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True, help_text="The model chosen for this chat; empty for the default.")
    pinned = serializers.SerializerMethodField()
    options = serializers.DictField()
    system_prompt = serializers.CharField(allow_blank=True)
    leaf = serializers.UUIDField(source="leaf_id", allow_null=True, help_text="The last message of the path shown.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_pinned(self, row: Conversation) -> bool:
        return row.pinned_at is not None


class MatchOutput(serializers.Serializer[Any]):
    """Where the words that were looked for stand."""

    message = serializers.UUIDField(source="message_id", allow_null=True, help_text="null: in the title.")
    snippet = serializers.SerializerMethodField()

    def get_snippet(self, found: Found) -> str:
        """The words around the place, as plain text."""
        return "".join(piece.text for piece in found.snippet)


class FoundOutput(ConversationOutput):
    """A chat of the list; `match` where the list was searched."""

    match = MatchOutput(required=False)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        if isinstance(instance, Found):
            shown = super().to_representation(instance.conversation)
            return shown | {"match": dict(MatchOutput(instance).data)}
        return super().to_representation(instance)


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


class TurnOutput(serializers.Serializer[Any]):
    """How an answer came about."""

    id = serializers.UUIDField()
    state = serializers.CharField()
    finish_reason = serializers.CharField(allow_blank=True)
    provider = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True)
    cached = serializers.BooleanField()
    usage = ReplyUsage(source="*")
    timing = Timing(source="*")


class MessageOutput(serializers.Serializer[Any]):
    """One message; an answer tells of its last turn."""

    id = serializers.UUIDField()
    parent_id = serializers.UUIDField(allow_null=True, help_text="The message before it; null for the first one.")
    role = serializers.ChoiceField(choices=["user", "assistant"])
    text = serializers.CharField(allow_blank=True)
    reasoning = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    turn = serializers.SerializerMethodField()

    @extend_schema_field(TurnOutput(allow_null=True))
    def get_turn(self, row: Message) -> dict[str, Any] | None:
        turn: Turn | None = self.context["turns"].get(row.pk)
        return None if turn is None else dict(TurnOutput(turn).data)


class DayOutput(serializers.Serializer[Any]):
    """What was used on one day (UTC)."""

    day = serializers.DateField()
    messages = serializers.IntegerField()
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()


class QuotaOutput(serializers.Serializer[Any]):
    """How much of the day's allowance is used."""

    kind = serializers.ChoiceField(choices=["messages", "tokens"])
    used = serializers.IntegerField()
    limit = serializers.IntegerField()


class UsageOutput(serializers.Serializer[Any]):
    """What was used, and what may be."""

    today = DayOutput()
    days = DayOutput(many=True, help_text="Oldest first; days without any use are left out.")
    quotas = QuotaOutput(many=True, help_text="Empty where there is no limit.")
    notice = serializers.CharField(allow_blank=True, help_text="A sentence, once most of an allowance is used.")
