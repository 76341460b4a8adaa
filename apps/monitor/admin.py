"""The monitor in the admin: cleanups and alarms, which nobody changes, and the pages that look at all of Nitro."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import DateFieldListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import PeriodicTask

from apps.core import wakeups
from apps.core.office.lists import ReadOnlyAdmin
from apps.monitor.models import Alert, Cleanup, Notice
from apps.monitor.office import pages

MAIN_QUEUE = "celery"

pages.open_all()


@admin.register(Cleanup)
class CleanupAdmin(ReadOnlyAdmin):
    section = "Operation"
    list_display = ("began_at", "hidden", "announced", "seconds")
    search_fields = ()


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    section = "Operation"
    list_display = ("rule", "subject", "raised", "value", "changed_at")
    list_filter = ("raised",)
    search_fields = ()


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    section = "Operation"
    list_display = ("created_at", "channel", "attempts", "sent_at", "problem")
    list_filter = ("channel",)


admin.site.unregister(PeriodicTask)


@admin.register(PeriodicTask)
class ScheduleAdmin(PeriodicTaskAdmin):  # type: ignore[misc]  # brings no types
    """django-celery-beat's page, with what somebody looks for: when a task runs, when it last did, how often so far."""

    section = "Operation"
    list_display = ("name", "enabled", "scheduler", "last_run_at", "total_run_count", "one_off")
    list_filter = ("enabled", ("last_run_at", DateFieldListFilter))
    list_select_related = ("interval", "crontab", "solar", "clocked")
    search_fields = ("name", "task")
    ordering = ("name",)
    date_hierarchy = None
    change_form_template = None  # theirs has script inside the page, which a page of ours may not run
    fieldsets = (
        (None, {"fields": ("name", "task", "enabled", "description")}),
        ("Schedule", {"fields": ("interval", "crontab", "start_time", "last_run_at", "total_run_count", "one_off")}),
        ("Arguments", {"fields": ("args", "kwargs", "queue", "expires", "expire_seconds")}),
    )
    readonly_fields = ("last_run_at", "total_run_count")

    @admin.action(description="Run selected tasks now")
    def run_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """As the beat sends them; a web process knows their names and nothing else of them."""
        for task in queryset:
            if task.args not in {"", "[]"} or task.kwargs not in {"", "{}"}:
                messages.error(request, f"{task.name} has arguments: let its schedule send it.")
            elif wakeups.send(task.task, task.queue or MAIN_QUEUE):
                messages.success(request, f"{task.name} is on its way to the worker.")
            else:
                messages.error(request, f"{task.name} could not be sent: Redis does not answer.")
