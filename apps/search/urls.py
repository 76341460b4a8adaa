"""Addresses of web search: pages, fragments and API."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "search"

urlpatterns: list[URLPattern] = []
