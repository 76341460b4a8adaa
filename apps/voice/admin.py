"""Speech in the admin: states and sizes, and no sound. What people said is shown only after a reason was given."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin

from apps.core.office.acting import Act, ActingAdmin
from apps.core.office.contents import ON_A_PAGE, ContentsAdmin, Part
from apps.core.office.lists import by_deletion
from apps.voice import bulk
from apps.voice.models import Clip, Recording

Shown = by_deletion("In the lists of their owners")


@admin.register(Recording)
class RecordingAdmin(ContentsAdmin):
    section = "Speech"
    contents_name = "transcript"
    list_display = ("id", "user", "state", "progress", "seconds", "size", "engine", "created_at", "deleted_at")
    list_select_related = ("user",)
    list_filter = ("state", Shown, "created_at")
    ordering = ("-created_at",)
    owner = "user"
    exclude = ("name", "error_message", "error_hint")
    columns = (
        "id", "user__username", "state", "seconds", "size", "language", "engine", "attempts", "error_code",
        "created_at", "finished_at", "deleted_at",
    )  # fmt: skip
    acts = (
        Act(
            bulk.RESTORE.name,
            "Bring back …",
            "change",
            "Those that were deleted are in their owners' lists again, as if used today.",
        ),
    )

    def parts(self, row: Recording, start: int) -> Sequence[Part]:
        told = [Part("Name", row.name)] if row.name and start == 0 else []
        first = max(0, start - bool(row.name))
        said = row.segments.order_by("position")[first : first + ON_A_PAGE + 1]
        return told + [Part(f"{one.start:.1f} to {one.end:.1f} s", one.text) for one in said]


@admin.register(Clip)
class ClipAdmin(ActingAdmin):
    section = "Speech"
    list_display = ("id", "user", "engine", "seconds", "size", "used_at")
    list_select_related = ("user",)
    list_filter = ("used_at",)
    ordering = ("-used_at",)
    owner = "user"
    exclude = ("digest",)
    columns = ("id", "user__username", "engine", "seconds", "size", "used_at")
