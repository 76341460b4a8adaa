"""The webhooks' part of the settings page."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.accounts import hooks
from apps.accounts.forms import WebhookForm
from apps.accounts.views import settings_page, signed_in
from apps.core.errors import NitroError, NotFound


@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """A new webhook, with its secret on the page that answers and nowhere else."""
    form = WebhookForm(request.POST)
    if not form.is_valid():
        return settings_page(request, hook_form=form)
    try:
        made = hooks.webhook_create(user=signed_in(request), **form.cleaned_data)
    except NitroError as error:
        form.add_error("url", error.message)
        return settings_page(request, hook_form=form)
    return settings_page(request, new_hook=made.secret)


@require_POST
def delete(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    try:
        hooks.webhook_delete(user=signed_in(request), webhook_id=webhook_id)
    except NotFound as error:
        raise Http404 from error
    messages.success(request, "The webhook is deleted.")
    return redirect("accounts:settings")
