"""Addresses of the models: the API that lists and installs them."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "llm"

urlpatterns: list[URLPattern] = []
