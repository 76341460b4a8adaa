"""Every address of the site, app by app."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib import admin
from django.urls import include, path

handler400 = "apps.core.pages.bad_request"
handler403 = "apps.core.pages.permission_denied"
handler404 = "apps.core.pages.not_found"
handler500 = "apps.core.pages.server_error"

APPS = ("apps.core.urls", "apps.accounts.urls", "apps.chat.urls")

urlpatterns = [
    path("admin/", admin.site.urls),
    *(path("", include(name)) for name in APPS if find_spec(name)),
]
