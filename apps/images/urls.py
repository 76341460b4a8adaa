"""Addresses of the pictures: pages, fragments and API."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "images"

urlpatterns: list[URLPattern] = []
