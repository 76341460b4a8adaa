"""The pictures in Django's admin: states and times, no descriptions and no pictures. What people order is theirs."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.images.models import Image, ImageJob


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only for the type checker
    """Rows are made by orders; here they are only looked at."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(ImageJob)
class ImageJobAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "state", "progress", "engine", "model", "count", "created_at", "finished_at")
    list_select_related = ("owner",)
    list_filter = ("state", "engine")
    search_fields = ("owner__username", "id")
    ordering = ("-created_at",)
    exclude = ("prompt", "negative_prompt", "fingerprint", "attached_to")


@admin.register(Image)
class ImageAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "width", "height", "size", "created_at", "deleted_at")
    list_select_related = ("owner",)
    search_fields = ("owner__username", "id")
    ordering = ("-created_at",)
    fields = ("id", "owner", "width", "height", "size", "created_at", "deleted_at")
    raw_id_fields = ("job",)
