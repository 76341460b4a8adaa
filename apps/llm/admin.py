"""Downloads of models in Django's admin, to be looked at."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.llm.models import Pull


@admin.register(Pull)
class PullAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only for the type checker
    show_full_result_count = False
    list_per_page = 50
    list_display = ("name", "state", "status", "completed", "total", "asked_by", "created_at", "updated_at")
    list_select_related = ("asked_by",)
    list_filter = ("state",)
    search_fields = ("name",)
    ordering = ("-created_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
