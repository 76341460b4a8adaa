"""Pages of signing in and out, and of what belongs to oneself."""

from __future__ import annotations

from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts import services

BACKEND = "django.contrib.auth.backends.ModelBackend"


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("accounts:sign-in")


@login_not_required
@never_cache
@require_GET
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Let in whoever has a link that still works; once."""
    user = services.sign_in_link_use(token=token)
    if user is None:
        return render(request, "accounts/link_ended.html", status=410)
    login(request, user, backend=BACKEND)
    return redirect("/")
