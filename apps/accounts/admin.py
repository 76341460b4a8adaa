"""Users, keys and links for administrators; no secret is shown, and no key is made here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from apps.accounts.models import ApiKey, SignInLink, User

if TYPE_CHECKING:
    UserAdminBase = UserAdmin[User]
    ApiKeyAdminBase = admin.ModelAdmin[ApiKey]
    SignInLinkAdminBase = admin.ModelAdmin[SignInLink]
else:  # Django's classes are generic for the type checker alone
    UserAdminBase = UserAdmin
    ApiKeyAdminBase = SignInLinkAdminBase = admin.ModelAdmin


@admin.register(User)
class NitroUserAdmin(UserAdminBase):
    """Django's page of users, with Nitro's preferences. What somebody told Nitro about themselves stays theirs."""

    fieldsets = (*(UserAdmin.fieldsets or ()), ("Nitro", {"fields": ("theme",)}))


@admin.register(ApiKey)
class ApiKeyAdmin(ApiKeyAdminBase):
    list_display = ("prefix", "name", "user", "scopes", "created", "expires", "last_used", "revoked")
    list_filter = ("revoked",)
    list_select_related = ("user",)
    search_fields = ("prefix", "name", "user__username")
    readonly_fields = ("prefix", "user", "scopes", "created", "last_used")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(SignInLink)
class SignInLinkAdmin(SignInLinkAdminBase):
    list_display = ("user", "created", "expires", "used_at")
    list_select_related = ("user",)
    readonly_fields = ("user", "created", "expires", "used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SignInLink | None = None) -> bool:
        return False
