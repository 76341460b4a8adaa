"""The monitor in the admin: what the nightly cleanups did. Nothing of it can be changed."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.monitor.models import Cleanup


@admin.register(Cleanup)
class CleanupAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the type checker alone
    list_display = ("began_at", "hidden", "announced", "seconds")
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Cleanup | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Cleanup | None = None) -> bool:
        return False
