"""Users, keys and links for administrators; no secret is shown, and no key is made here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from apps.accounts.models import ApiKey, DailyUsage, Delivery, GroupLimit, SignInLink, User, Webhook

if TYPE_CHECKING:
    UserAdminBase = UserAdmin[User]
    ApiKeyAdminBase = admin.ModelAdmin[ApiKey]
    SignInLinkAdminBase = admin.ModelAdmin[SignInLink]
    GroupLimitAdminBase = admin.ModelAdmin[GroupLimit]
    DailyUsageAdminBase = admin.ModelAdmin[DailyUsage]
    WebhookAdminBase = admin.ModelAdmin[Webhook]
    DeliveryAdminBase = admin.ModelAdmin[Delivery]
else:  # Django's classes are generic for the type checker alone
    UserAdminBase = UserAdmin
    ApiKeyAdminBase = SignInLinkAdminBase = GroupLimitAdminBase = DailyUsageAdminBase = admin.ModelAdmin
    WebhookAdminBase = DeliveryAdminBase = admin.ModelAdmin


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


@admin.register(GroupLimit)
class GroupLimitAdmin(GroupLimitAdminBase):
    """What the members of a group may ask for; a change holds within five seconds."""

    list_display = ("group", "rate", "messages_per_day", "tokens_per_day")
    list_select_related = ("group",)


@admin.register(DailyUsage)
class DailyUsageAdmin(DailyUsageAdminBase):
    """Who used how much on which day."""

    list_display = ("user", "day", "messages", "prompt_tokens", "completion_tokens")
    list_select_related = ("user",)
    list_filter = ("day",)
    search_fields = ("user__username",)
    ordering = ("-day", "user")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: DailyUsage | None = None) -> bool:
        return False


@admin.register(Webhook)
class WebhookAdmin(WebhookAdminBase):
    """Who is called where; deleting one ends it."""

    list_display = ("url", "user", "events", "created_at")
    list_select_related = ("user",)
    readonly_fields = ("user", "url", "events", "created_at")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Webhook | None = None) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(DeliveryAdminBase):
    """What was sent and what was not, without the words in it."""

    list_display = ("event", "webhook", "attempts", "next_at", "delivered_at", "problem")
    list_select_related = ("webhook",)
    exclude = ("body",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False
