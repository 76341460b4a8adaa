"""Lists whose chosen rows can be acted upon: a question first, then a bulk action in the background."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.auth import get_permission_codename
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.core.errors import Invalid
from apps.core.office import bulk, sheets
from apps.core.office.lists import EXACT_UP_TO, ReadOnlyAdmin
from apps.core.office.reasons import MaybeReasonForm
from apps.core.office.site import PREFIX, office

EXPORT = "export"
MAY_EXPORT = "core.export_rows"


@dataclass(frozen=True, slots=True)
class Act:
    """A bulk action as a list offers it: which kind, what the menu says, which right it needs, what it will do."""

    kind: str
    label: str
    needs: str
    promise: str
    options: dict[str, Any] = field(default_factory=dict)
    permission: str = ""


class ActingAdmin(ReadOnlyAdmin):
    """`acts` are what can be done to chosen rows; with `columns` they can be exported as well."""

    acts: tuple[Act, ...] = ()
    columns: tuple[str, ...] = ()

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._acts = list(self.acts)
        if self.columns:
            name = str(self.opts.label_lower)
            sheets.register(sheets.Sheet(name, self.columns, partial(rows_of, self.model, self.columns)))
            self._acts.append(export_of(name))

    def get_actions(self, request: HttpRequest) -> Any:
        if IS_POPUP_VAR in request.GET:
            return {}
        found = super().get_actions(request)
        return found | {act.kind: (acting(act), act.kind, act.label) for act in self._acts if self.may(request, act)}

    def may(self, request: HttpRequest, act: Act) -> bool:
        """Whether somebody has the right that an act needs."""
        needed = f"{self.opts.app_label}.{get_permission_codename(act.needs, self.opts)}"
        return request.user.has_perm(needed) and (not act.permission or request.user.has_perm(act.permission))


def export_of(sheet: str) -> Act:
    promise = "The columns of the list are written into a file, which you can fetch for a day. No contents are in it."
    return Act(EXPORT, "Export as CSV …", "view", promise, {"sheet": sheet}, MAY_EXPORT)


def rows_of(model: Any, columns: Sequence[str], keys: Sequence[str]) -> Iterable[Sequence[Any]]:
    """The columns of some rows, in the order of their keys."""
    found = {str(row[0]): row[1:] for row in model._default_manager.filter(pk__in=keys).values_list("pk", *columns)}
    return [found[key] for key in keys if key in found]


def acting(act: Act) -> Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse]:
    """What Django's list calls with the chosen rows."""

    def ask_and_act(self: ActingAdmin, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
        form = MaybeReasonForm(request.POST if "confirmed" in request.POST else None)
        if not form.is_valid():
            return ask(self, request, rows, act, form)
        label = f"{act.label.rstrip(' …')}: {self.opts.verbose_name_plural}"
        return begin(request, act.kind, rows, label=label, reason=form.cleaned_data["reason"], options=act.options)

    return ask_and_act


def ask(self: ActingAdmin, request: HttpRequest, rows: QuerySet[Any], act: Act, form: MaybeReasonForm) -> HttpResponse:
    """Tell what will be done to how many rows, and wait for a yes."""
    counted = rows.order_by()[: EXACT_UP_TO + 1].values("pk").count()
    return office().page(
        request,
        "office/confirm.html",
        act.label.rstrip(" …"),
        opts=self.opts,
        act=act,
        form=form,
        counted=min(counted, EXACT_UP_TO),
        more=counted > EXACT_UP_TO,
        chosen=request.POST.getlist(ACTION_CHECKBOX_NAME),
        chosen_name=ACTION_CHECKBOX_NAME,
        across=request.POST.get("select_across", "0"),
    )


def begin(request: HttpRequest, kind: str, rows: QuerySet[Any], **how: Any) -> HttpResponseRedirect:
    """Start it, and lead to its progress; back to where one came from where there is nothing to do."""
    try:
        job = bulk.start(request, kind, rows, **how)
    except Invalid as error:
        messages.warning(request, error.message)
        return HttpResponseRedirect(request.get_full_path())
    return HttpResponseRedirect(reverse(f"admin:{PREFIX}bulk-progress", args=[job.pk]))
