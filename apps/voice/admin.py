"""Speech in Django's admin: states and sizes, no words and no sound. What people say is theirs."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.voice.models import Clip, Recording


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only for the type checker
    """Rows are made by uploads and engines; here they are only looked at."""

    show_full_result_count = False
    list_per_page = 50
    list_select_related = ("user",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Recording)
class RecordingAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "state", "progress", "seconds", "size", "engine", "attempts", "created_at")
    list_filter = ("state", "engine")
    search_fields = ("user__username", "id")
    ordering = ("-created_at",)
    exclude = ("name", "file")


@admin.register(Clip)
class ClipAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "engine", "seconds", "size", "used_at")
    list_filter = ("engine",)
    ordering = ("-used_at",)
    exclude = ("file", "digest")
