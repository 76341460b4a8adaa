"""Every address of the site, app by app."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

handler400 = "apps.core.pages.bad_request"
handler403 = "apps.core.pages.permission_denied"
handler404 = "apps.core.pages.not_found"
handler500 = "apps.core.pages.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("apps.core.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.llm.urls")),
    path("", include("apps.images.urls")),
    path("", include("apps.voice.urls")),
    path("", include("apps.search.urls")),
    path("", include("apps.chat.urls")),
    path("", include("apps.monitor.urls")),
]
