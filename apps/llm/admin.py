"""Models in the admin: downloads, to be looked at."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q

from apps.core.office.lists import ReadOnlyAdmin
from apps.llm.models import Pull


@admin.register(Pull)
class PullAdmin(ReadOnlyAdmin):
    section = "Models"
    list_display = ("name", "state", "status", "completed", "total", "asked_by", "created_at", "updated_at")
    list_select_related = ("asked_by",)
    list_filter = ("state",)
    search_help_text = "The beginning of a model's name."
    ordering = ("-created_at",)

    def wanted(self, term: str) -> Q:
        return Q(name__startswith=term)
