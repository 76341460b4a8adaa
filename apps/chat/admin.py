"""The chat in the admin: counts and states. What people wrote is theirs, and shown only after a reason was given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone

from apps.chat import bulk, retention
from apps.chat.models import Attachment, Conversation, Message, Turn
from apps.core.office.acting import Act, ActingAdmin, begin
from apps.core.office.contents import ON_A_PAGE, ContentsAdmin, Part
from apps.core.office.lists import EXACT_UP_TO, by_state
from apps.core.office.reasons import MaybeReasonForm
from apps.core.office.site import PREFIX, office

Filter = by_state(
    "state",
    "state",
    used=("In the lists of their owners", lambda: Q(deleted_at=None)),
    pinned=("Pinned", lambda: Q(deleted_at=None, pinned_at__isnull=False)),
    deleted=("Deleted, can be brought back", lambda: Q(deleted_at__isnull=False)),
)


class LetGoForm(MaybeReasonForm):
    """For how long nobody has used what may go."""

    days = forms.IntegerField(label="Not used for so many days", min_value=1, max_value=36_500)
    field_order = ("days", "reason")


@admin.register(Conversation)
class ConversationAdmin(ContentsAdmin):
    section = "Chats"
    contents_name = "messages"
    change_list_template = "office/conversations.html"
    list_display = ("id", "owner", "messages", "model", "created_at", "updated_at", "deleted_at")
    list_select_related = ("owner",)
    list_filter = (Filter, "updated_at")
    ordering = ("-updated_at",)
    owner = "owner"
    fields = ("id", "owner", "model", "options", "created_at", "updated_at", "pinned_at", "deleted_at")
    columns = ("id", "owner__username", "model", "created_at", "updated_at", "pinned_at", "deleted_at")
    acts = (
        Act(
            bulk.DELETE.name,
            "Delete …",
            "delete",
            "They vanish from the lists of their owners at once, and can be brought back for a day.",
        ),
        Act(bulk.RESTORE.name, "Bring back …", "change", "Those that were deleted are in their owners' lists again."),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        inside = Message.objects.filter(conversation=OuterRef("pk")).order_by().values("conversation")
        counted = inside.annotate(count=Count("pk")).values("count")
        rows: QuerySet[Any] = super().get_queryset(request).defer("title", "system_prompt")
        return rows.annotate(inside=Subquery(counted))  # type: ignore[no-any-return]  # django-stubs lose track of it

    @admin.display(description="messages")
    def messages(self, row: Any) -> int:
        return row.inside or 0

    def parts(self, row: Conversation, start: int) -> Sequence[Part]:
        told = [Part("Title", row.title)] + ([Part("System prompt", row.system_prompt)] if row.system_prompt else [])
        first = max(0, start - len(told))
        found = Message.objects.filter(conversation=row).order_by("created_at", "position")[first:][: ON_A_PAGE + 1]
        words = [Part(one.get_role_display(), words_of(one), one.created_at) for one in found]
        return (told if start == 0 else []) + words

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.let_go)
        return [path("let-go/", view, name=f"{PREFIX}chats-let-go"), *super().get_urls()]

    def let_go(self, request: HttpRequest) -> HttpResponseBase:
        """Let go of chats that nobody has used for some days, now instead of in the night."""
        if not request.user.has_perm("chat.delete_conversation"):
            raise PermissionDenied
        form = LetGoForm(request.POST or None, initial={"days": settings.SESSION_RETENTION_DAYS or 30})
        counted: int | None = None
        if form.is_valid():
            before = timezone.now() - timedelta(days=form.cleaned_data["days"])
            idle = retention.idle_since(before)
            if "confirmed" in request.POST:
                options = {"before": before.isoformat(), "days": form.cleaned_data["days"]}
                reason = form.cleaned_data["reason"]
                return begin(request, bulk.LET_GO.name, idle, reason=reason, options=options)
            counted = idle.order_by()[: EXACT_UP_TO + 1].values("pk").count()
        context = {"form": form, "counted": counted, "most": EXACT_UP_TO, "opts": self.opts}
        return office().page(request, "office/let_go.html", "Let go of old conversations", **context)


def words_of(message: Message) -> str:
    """All words of a message, what the model thought included."""
    return f"{message.reasoning}\n\n{message.text}" if message.reasoning else message.text


@admin.register(Turn)
class TurnAdmin(ActingAdmin):
    section = "Chats"
    list_display = (
        "id", "owner_name", "state", "finish_reason", "provider", "model", "first_token_ms", "total_ms", "created_at",
    )  # fmt: skip
    list_select_related = ("conversation__owner",)
    list_filter = ("state", "created_at")
    ordering = ("-created_at",)
    owner = "conversation__owner"
    id_fields = ("id", "conversation_id")
    exclude = ("marks", "question", "answer", "conversation", "error_message", "error_hint")
    columns = (
        "id", "conversation_id", "conversation__owner__username", "kind", "state", "finish_reason", "provider", "model",
        "cached", "error_code", "prompt_tokens", "completion_tokens", "queued_ms", "first_token_ms", "total_ms",
        "created_at", "finished_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        unseen = ("marks", "conversation__title", "conversation__system_prompt", "conversation__options")
        return super().get_queryset(request).defer(*unseen)

    @admin.display(description="owner")
    def owner_name(self, turn: Turn) -> str:
        return turn.conversation.owner.get_username()


@admin.register(Attachment)
class AttachmentAdmin(ActingAdmin):
    section = "Chats"
    list_display = ("id", "owner", "media_type", "width", "height", "size", "created_at")
    list_select_related = ("owner",)
    list_filter = ("created_at",)
    ordering = ("-created_at",)
    owner = "owner"
    id_fields = ("id", "conversation_id")
    fields = ("id", "owner", "media_type", "width", "height", "size", "created_at")
    columns = ("id", "owner__username", "media_type", "width", "height", "size", "created_at")
