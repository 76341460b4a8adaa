"""Addresses of the monitor."""

from __future__ import annotations

from django.urls import path

from apps.monitor import views

app_name = "monitor"

urlpatterns = [
    path("performance/", views.performance, name="performance"),
    path("performance/bench/", views.bench, name="bench"),
    path("metrics", views.Metrics.as_view(), name="metrics"),
]
