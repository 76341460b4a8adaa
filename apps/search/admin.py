"""Searches in the admin: who searched when and where; for what, and what was found, only after a reason was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.office.acting import Act
from apps.core.office.contents import ON_A_PAGE, ContentsAdmin, Part
from apps.core.office.lists import by_deletion
from apps.search import bulk
from apps.search.models import Search

Shown = by_deletion("In the lists of their owners")


@admin.register(Search)
class SearchAdmin(ContentsAdmin):
    section = "Search"
    contents_name = "words"
    list_display = ("id", "owner", "engine", "offline", "cached", "created_at", "deleted_at")
    list_filter = (Shown, "created_at")
    list_select_related = ("owner",)
    ordering = ("-created_at",)
    owner = "owner"
    fields = ("id", "owner", "engine", "offline", "cached", "model", "created_at", "deleted_at")
    columns = ("id", "owner__username", "engine", "offline", "cached", "model", "created_at", "deleted_at")
    acts = (
        Act(
            bulk.RESTORE.name,
            "Bring back …",
            "change",
            "Those that were deleted are in their owners' lists again, and are kept from the cleanup.",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("query", "answer", "note")

    def parts(self, row: Search, start: int) -> Sequence[Part]:
        told = [Part("Searched for", row.query), Part("Answer", row.answer)]
        pages = row.sources.order_by("number").defer("text", "words")[: 2 * ON_A_PAGE]
        read = [Part(f"Source {one.number}", f"{one.title}\n{one.url}\n{one.snippet}") for one in pages]
        return [part for part in (*told, *read) if part.text][start : start + ON_A_PAGE + 1]
