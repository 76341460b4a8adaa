"""Addresses of the models: how their servers do, and the API that lists, installs and removes them."""

from __future__ import annotations

from django.urls import path

from apps.llm import api, views

app_name = "llm"

urlpatterns = [
    path("settings/models/", views.servers, name="servers"),
    path("api/models/", api.ModelCollection.as_view(), name="api-models"),
    path("api/models/pull/", api.PullCollection.as_view(), name="api-pulls"),
    path("api/models/pull/<uuid:pull_id>/", api.PullDetail.as_view(), name="api-pull"),
    path("api/models/<path:choice>/", api.ModelDetail.as_view(), name="api-model"),
]
