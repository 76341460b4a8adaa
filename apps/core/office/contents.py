"""What people wrote, for an administrator who has said why: first the reason is in the log, then words are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.core.models import AuditEntry
from apps.core.office import auditing
from apps.core.office.acting import ActingAdmin
from apps.core.office.reasons import ReasonForm
from apps.core.office.site import PREFIX, office

PERMISSION = "core.see_contents"
HOLDS = timedelta(minutes=15)  # a reason lets somebody leaf and reload for so long
ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of text and whose it is. The page shows it as text, whatever is in it."""

    heading: str
    text: str
    at: datetime | None = None


class ContentsAdmin(ActingAdmin):
    """A list whose rows have contents: `parts` returns them, `ON_A_PAGE` and one more from `start` on."""

    contents_name = "contents"
    change_form_template = "office/change_form.html"

    def parts(self, row: Any, start: int) -> Sequence[Part]:
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(never_cache(require_http_methods(["GET", "POST"])(self.contents_view)))
        return [path("<path:object_id>/contents/", view, name=self.contents_route), *super().get_urls()]

    @property
    def contents_route(self) -> str:
        return f"{PREFIX}{self.opts.app_label}-{self.opts.model_name}-contents"

    def contents_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The form that asks why; after that, for a while, the contents."""
        if not (request.user.has_perm(PERMISSION) and self.has_view_permission(request)):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if request.method != "POST" and (entry := reason_of(request, row)) is not None:
            return self._show(request, row, entry)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            target = auditing.target_of(row)
            entry = auditing.note(request, AuditEntry.Action.CONTENTS, target, reason=form.cleaned_data["reason"])
            return redirect(f"{request.path}?seen={entry.pk}")
        return self._page(request, "office/reason.html", row, form=form)

    def _show(self, request: HttpRequest, row: Model, entry: AuditEntry) -> HttpResponse:
        start = int(number) if (number := request.GET.get("from", "0")).isdecimal() and len(number) < 9 else 0
        found = self.parts(row, start)
        following = start + ON_A_PAGE if len(found) > ON_A_PAGE else None
        context = {"parts": found[:ON_A_PAGE], "entry": entry, "following": following, "holds_until": entry.at + HOLDS}
        return self._page(request, "office/contents.html", row, **context)

    def _page(self, request: HttpRequest, template: str, row: Model, **context: Any) -> HttpResponse:
        title = f"{self.contents_name.capitalize()} of {self.opts.verbose_name} {row.pk}"
        places = {
            "list_address": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"),
            "row_address": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk]),
        }
        return office().page(request, template, title, opts=self.opts, row=row, **places, **context)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        row = kwargs.get("obj")
        if row is not None and request.user.has_perm(PERMISSION):
            context["contents_address"] = reverse(f"admin:{self.contents_route}", args=[row.pk])
            context["contents_name"] = self.contents_name
        return super().render_change_form(request, context, *args, **kwargs)


def reason_of(request: HttpRequest, row: Model) -> AuditEntry | None:
    """The entry that an address names, where it is this person's reason for this row and still holds."""
    number = request.GET.get("seen", "")
    if not number.isdecimal() or len(number) > 18:
        return None
    return AuditEntry.objects.filter(
        pk=int(number),
        actor_id=request.user.pk,
        action=AuditEntry.Action.CONTENTS,
        target=auditing.target_of(row),
        at__gt=timezone.now() - HOLDS,
    ).first()
