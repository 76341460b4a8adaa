"""Addresses of web search: pages, fragments and API."""

from __future__ import annotations

from django.urls import path

from apps.search import api

app_name = "search"

urlpatterns = [
    path("api/search/", api.Searches.as_view(), name="api-searches"),
    path("api/search/<uuid:search_id>/", api.OneSearch.as_view(), name="api-search"),
]
