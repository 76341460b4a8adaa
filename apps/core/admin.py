"""The admin's own records: the audit log, Django's log of changes, and the bulk actions. Nothing of them is changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.core.models import AuditEntry, BulkJob
from apps.core.office import auditing, bulk, sheets
from apps.core.office.acting import ActingAdmin
from apps.core.office.lists import ReadOnlyAdmin
from apps.core.office.site import PREFIX, office


@admin.register(AuditEntry)
class AuditAdmin(ActingAdmin):
    """What administrators did. A search is a name as it was written, or what it was done to."""

    section = "Records"
    list_display = ("at", "actor", "address", "action", "target", "reason")
    list_filter = ("action", "at")
    ordering = ("-at",)
    search_help_text = "A user's whole name, or what it was done to: chat.conversation and an id, for example."
    columns = ("at", "actor", "address", "action", "target", "reason", "details")

    def wanted(self, term: str) -> Q:
        return Q(actor=term) | Q(target=term)


@admin.register(LogEntry)
class ChangesAdmin(ReadOnlyAdmin):
    """Django's own log: rows that were added, changed and deleted in the admin."""

    list_display = ("action_time", "user", "content_type", "object_repr", "action_flag", "change_message")
    list_select_related = ("user", "content_type")
    list_filter = ("action_time",)
    ordering = ("-pk",)
    owner = "user"


@admin.register(BulkJob)
class BulkJobAdmin(ReadOnlyAdmin):
    section = "Operation"
    list_display = ("label", "state", "progress", "actor", "created_at", "finished_at")
    list_filter = ("state", "created_at")
    ordering = ("-created_at",)
    fields = ("label", "actor", "state", "total", "done", "changed", "problem", "created_at", "finished_at")
    search_help_text = "A whole id."

    @admin.display(description="progress")
    def progress(self, job: BulkJob) -> str:
        place = reverse(f"admin:{PREFIX}bulk-progress", args=[job.pk])
        return format_html('<a href="{}">{} of {}</a>', place, job.done, job.total)

    def get_urls(self) -> list[URLPattern]:
        ours = {"progress": require_GET(progress), "cancel": require_POST(cancel), "file": require_GET(file)}
        guarded = {name: self.admin_site.admin_view(never_cache(view)) for name, view in ours.items()}
        pages = [path(f"<uuid:job_id>/{name}/", view, name=f"{PREFIX}bulk-{name}") for name, view in guarded.items()]
        return [*pages, *super().get_urls()]


def job_of(request: HttpRequest, job_id: Any) -> BulkJob:
    """One's own bulk action, or anybody's for those who may see all of them."""
    job = get_object_or_404(BulkJob, pk=job_id)
    if job.actor_id != request.user.pk and not request.user.has_perm("core.view_bulkjob"):
        raise PermissionDenied
    return job


def progress(request: HttpRequest, job_id: Any) -> HttpResponse:
    """How far it is; the part that changes alone where the page asks for it again."""
    job = job_of(request, job_id)
    template = "office/progress_part.html" if request.headers.get("HX-Request") else "office/progress.html"
    return office().page(request, template, job.label, job=job, has_file=sheets.is_there(job))


def cancel(request: HttpRequest, job_id: Any) -> HttpResponse:
    job = job_of(request, job_id)
    if not job.is_over:
        bulk.cancel(request, job)
        messages.success(request, "It ends after the rows that are being done right now.")
    return redirect(f"admin:{PREFIX}bulk-progress", job.pk)


def file(request: HttpRequest, job_id: Any) -> HttpResponseBase:
    """The file of an export, a piece at a time; that it was taken is noted first."""
    job = job_of(request, job_id)
    if not sheets.is_there(job):
        raise Http404
    auditing.note(request, AuditEntry.Action.EXPORT, auditing.target_of(job), what=job.label, rows=job.changed)
    name = str(job.options.get("sheet", "rows")).replace(".", "-")
    response = StreamingHttpResponse(sheets.pieces(job), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="nitro-{name}-{job.created_at:%Y-%m-%d}.csv"'
    return response
