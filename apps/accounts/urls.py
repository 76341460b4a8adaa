"""Addresses of signing in and of the settings page."""

from __future__ import annotations

from django.urls import path

from apps.accounts import views

app_name = "accounts"

urlpatterns = [
    path("accounts/sign-out/", views.sign_out, name="sign-out"),
    path("accounts/link/<str:token>/", views.link, name="link"),
]
