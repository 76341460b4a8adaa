"""Addresses of signing in and of the settings page."""

from __future__ import annotations

from django.urls import path

from apps.accounts import hook_views, views
from apps.accounts.api import OneWebhook, Webhooks

app_name = "accounts"

urlpatterns = [
    path("accounts/sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("accounts/sign-out/", views.sign_out, name="sign-out"),
    path("accounts/sign-up/", views.sign_up, name="sign-up"),
    path("accounts/link/<str:token>/", views.link, name="link"),
    path("accounts/theme/", views.theme, name="theme"),
    path("settings/", views.preferences, name="settings"),
    path("settings/password/", views.password, name="password"),
    path("settings/keys/", views.key_create, name="key-create"),
    path("settings/keys/<int:key_id>/revoke/", views.key_revoke, name="key-revoke"),
    path("api/webhooks/", Webhooks.as_view(), name="api-webhooks"),
    path("api/webhooks/<uuid:webhook_id>/", OneWebhook.as_view(), name="api-webhook"),
    path("settings/webhooks/", hook_views.create, name="hook-create"),
    path("settings/webhooks/<uuid:webhook_id>/delete/", hook_views.delete, name="hook-delete"),
    path("settings/sign-out-everywhere/", views.sign_out_everywhere, name="sign-out-everywhere"),
]
