"""The pictures in the admin: states and times, and no pictures. What people ordered is shown only after a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.office.acting import Act, ActingAdmin
from apps.core.office.contents import ContentsAdmin, Part
from apps.core.office.lists import by_deletion
from apps.images import bulk
from apps.images.models import Image, ImageJob

Shown = by_deletion("In the galleries")


@admin.register(ImageJob)
class ImageJobAdmin(ContentsAdmin):
    section = "Pictures"
    contents_name = "description"
    list_display = ("id", "owner", "state", "progress", "engine", "model", "count", "created_at", "finished_at")
    list_select_related = ("owner",)
    list_filter = ("state", "created_at")
    ordering = ("-created_at",)
    owner = "owner"
    exclude = ("prompt", "negative_prompt", "fingerprint", "attached_to", "error_message", "error_hint")
    columns = (
        "id", "owner__username", "state", "engine", "model", "count", "width", "height", "steps", "attempts",
        "error_code", "created_at", "started_at", "finished_at",
    )  # fmt: skip
    acts = (
        Act(
            bulk.CANCEL.name,
            "Cancel …",
            "change",
            "Those that wait are cancelled at once, those that are being drawn within two seconds; others stay.",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("prompt", "negative_prompt")

    def parts(self, row: ImageJob, start: int) -> Sequence[Part]:
        told = [Part("Description", row.prompt), Part("What is not wanted", row.negative_prompt)]
        return [part for part in told if part.text][start:]


@admin.register(Image)
class ImageAdmin(ActingAdmin):
    section = "Pictures"
    list_display = ("id", "owner", "width", "height", "size", "created_at", "deleted_at")
    list_select_related = ("owner",)
    list_filter = (Shown, "created_at")
    ordering = ("-created_at",)
    owner = "owner"
    id_fields = ("id", "job_id")
    fields = ("id", "owner", "width", "height", "size", "created_at", "deleted_at")
    columns = ("id", "owner__username", "width", "height", "size", "created_at", "deleted_at")
    acts = (
        Act(
            bulk.RESTORE.name,
            "Bring back …",
            "change",
            "Those that were deleted are in their owners' galleries again, and are kept from the cleanup.",
        ),
    )
