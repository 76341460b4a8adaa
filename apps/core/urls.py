"""The addresses of the core: health, and the description of the API."""

from django.urls import path

from apps.core import documentation, views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("healthz/probe", views.probe, name="probe"),
    path("readyz", views.readyz, name="readyz"),
    path("api/schema/", documentation.schema, name="api-schema"),
    path("api/docs/", documentation.page, name="api-docs"),
]
