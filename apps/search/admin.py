"""Searches for administrators: who searched when and where, not for what nor what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from apps.search.models import Search

if TYPE_CHECKING:
    SearchAdminBase = admin.ModelAdmin[Search]
else:  # Django's class is generic for the type checker alone
    SearchAdminBase = admin.ModelAdmin


@admin.register(Search)
class SearchAdmin(SearchAdminBase):
    list_display = ("id", "owner", "engine", "offline", "cached", "created_at")
    list_filter = ("engine", "offline")
    list_select_related = ("owner",)
    search_fields = ("owner__username", "id")
    fields = readonly_fields = ("id", "owner", "engine", "offline", "cached", "model", "created_at")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Search | None = None) -> bool:
        return False
