"""The chat in Django's admin: counts and states, no words. What people wrote is theirs."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.chat.models import Attachment, Conversation, Turn


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only for the type checker
    """Rows are made by turns; here they are only looked at."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "model", "created_at", "updated_at", "deleted_at")
    list_select_related = ("owner",)
    list_filter = ("deleted_at",)
    search_fields = ("owner__username", "id")
    ordering = ("-updated_at",)
    fields = ("id", "owner", "model", "options", "created_at", "updated_at", "deleted_at")


@admin.register(Turn)
class TurnAdmin(ReadOnlyAdmin):
    list_display = ("id", "state", "finish_reason", "provider", "model", "first_token_ms", "total_ms", "created_at")
    list_filter = ("state", "kind", "provider")
    search_fields = ("id", "conversation__id")
    ordering = ("-created_at",)
    exclude = ("marks", "question", "answer")


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "media_type", "width", "height", "size", "created_at")
    list_select_related = ("owner",)
    search_fields = ("owner__username", "id")
    ordering = ("-created_at",)
    fields = ("id", "owner", "media_type", "width", "height", "size", "created_at")
