"""Addresses of web search: pages, fragments and API."""

from __future__ import annotations

from django.urls import path

from apps.search import api, views

app_name = "search"

urlpatterns = [
    path("search/", views.page, name="page"),
    path("search/begin/", views.search_begin, name="begin"),
    path("search/<uuid:search_id>/", views.search, name="search"),
    path("search/<uuid:search_id>/delete/", views.search_delete, name="delete"),
    path("search/passages/<uuid:passage_id>/", views.passage, name="passage"),
    path("search/of/<uuid:searched_id>/", views.of_message, name="of"),
    path("api/search/", api.Searches.as_view(), name="api-searches"),
    path("api/search/<uuid:search_id>/", api.OneSearch.as_view(), name="api-search"),
]
