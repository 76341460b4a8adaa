"""The page that says how the model servers do, for administrators; the settings page shows the same as a card."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.core.diagnosis import builtin_model
from apps.llm import diagnosis


@require_GET
@never_cache
def servers(request: HttpRequest) -> HttpResponse:
    """A line for each server and each wrong setting. Asks the servers, which may take seconds."""
    if not getattr(request.user, "is_staff", False):
        raise PermissionDenied
    findings = [builtin_model(), *diagnosis.examine()]
    return render(request, "llm/servers.html", {"findings": findings})
