"""Users, groups with their limits, keys and links for administrators; no secret is shown, and no key is made here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from apps.accounts import bulk
from apps.accounts.models import ApiKey, DailyUsage, Delivery, GroupLimit, SignInLink, User, Webhook
from apps.core.office.acting import Act, ActingAdmin
from apps.core.office.lists import EstimatingPaginator, ReadOnlyAdmin, by_state, people_called

if TYPE_CHECKING:
    UserAdminBase = UserAdmin[User]
    LimitsBase = admin.StackedInline[GroupLimit, Group]
    GroupLimitAdminBase = admin.ModelAdmin[GroupLimit]
else:  # Django's classes are generic for the type checker alone
    UserAdminBase, LimitsBase, GroupLimitAdminBase = UserAdmin, admin.StackedInline, admin.ModelAdmin

Usable = by_state(
    "usable",
    "usable",
    yes=("Not revoked", lambda: Q(revoked=None)),
    no=("Revoked", lambda: Q(revoked__isnull=False)),
)


class PeopleActs(UserAdminBase, ActingAdmin):
    """Django's page of users with our bulk actions."""


@admin.register(User)
class NitroUserAdmin(PeopleActs):
    """Django's page of users, with Nitro's preferences. What somebody told Nitro about themselves stays theirs.

    People are deleted in the background: somebody may have a million messages.
    """

    section = "People"
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Nitro", {"fields": ("theme",)}))
    list_display = (
        "username",
        "email",
        "is_active",
        "is_staff",
        "belongs_to",
        "used_today",
        "last_login",
        "date_joined",
    )
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_fields = ("username",)
    search_help_text = "The beginning of a name."
    paginator = EstimatingPaginator
    columns = ("username", "email", "first_name", "last_name", "is_active", "is_staff", "last_login", "date_joined")
    acts = (
        Act(bulk.SIGN_OUT.name, "Sign out everywhere …", "change", "Their browsers have to sign in again; keys stay."),
        Act(
            bulk.DELETE.name,
            "Delete with all they have …",
            "delete",
            "They are shut out at once. Then their chats, pictures, recordings and searches go, for good. You yourself "
            "stay.",
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        today = DailyUsage.objects.filter(user=OuterRef("pk"), day=datetime.now(UTC).date()).values("messages")
        return super().get_queryset(request).prefetch_related("groups").annotate(today=Coalesce(Subquery(today), 0))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return ReadOnlyAdmin.get_search_results(self, request, queryset, search_term)

    def wanted(self, term: str) -> Q:
        return Q(username__startswith=term)

    @admin.display(description="groups")
    def belongs_to(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or "–"

    @admin.display(description="questions today")
    def used_today(self, user: Any) -> int:
        return int(user.today)


class Limits(LimitsBase):
    model = GroupLimit
    extra = 0
    can_delete = True
    verbose_name_plural = "limits"


admin.site.unregister(Group)


@admin.register(Group)
class NitroGroupAdmin(GroupAdmin):
    """Django's page of groups, with what its members may ask for."""

    section = "People"
    inlines = (Limits,)
    list_display = ("name", "members", "rate", "messages_per_day", "tokens_per_day")
    list_select_related = ("nitro_limit",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(members=Count("user"))

    @admin.display(description="members", ordering="members")
    def members(self, group: Any) -> int:
        return int(group.members)

    @admin.display(description="questions")
    def rate(self, group: Any) -> str:
        return limit_of(group, "rate")

    @admin.display(description="messages per day")
    def messages_per_day(self, group: Any) -> str:
        return limit_of(group, "messages_per_day")

    @admin.display(description="tokens per day")
    def tokens_per_day(self, group: Any) -> str:
        return limit_of(group, "tokens_per_day")


def limit_of(group: Any, name: str) -> str:
    """One of a group's limits, in words."""
    found = getattr(getattr(group, "nitro_limit", None), name, None)
    return "–" if found in (None, "") else str(found)


@admin.register(ApiKey)
class ApiKeyAdmin(ActingAdmin):
    section = "People"
    list_display = ("prefix", "name", "user", "scopes", "created", "expires", "last_used", "revoked")
    list_filter = (Usable, "created")
    list_select_related = ("user",)
    owner = "user"
    search_help_text = "The beginning of a key, or of a user's name."
    readonly_fields = ("prefix", "user", "scopes", "created", "last_used")
    columns = ("prefix", "name", "user__username", "scopes", "created", "expires", "last_used", "revoked")
    acts = (Act(bulk.REVOKE.name, "Revoke …", "change", "They open nothing any more, from now on and for good."),)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def wanted(self, term: str) -> Q:
        return Q(prefix__startswith=term) | Q(user__in=people_called(term))


@admin.register(SignInLink)
class SignInLinkAdmin(ReadOnlyAdmin):
    section = "People"
    list_display = ("user", "created", "expires", "used_at")
    list_select_related = ("user",)
    ordering = ("-pk",)
    owner = "user"


@admin.register(GroupLimit)
class GroupLimitAdmin(GroupLimitAdminBase):
    """What the members of a group may ask for; a change holds within five seconds."""

    section = "People"
    list_display = ("group", "rate", "messages_per_day", "tokens_per_day")
    list_select_related = ("group",)


@admin.register(DailyUsage)
class DailyUsageAdmin(ActingAdmin):
    """Who used how much on which day."""

    section = "People"
    list_display = ("user", "day", "messages", "prompt_tokens", "completion_tokens")
    list_select_related = ("user",)
    list_filter = ("day",)
    owner = "user"
    ordering = ("-day", "user")
    columns = ("user__username", "day", "messages", "prompt_tokens", "completion_tokens")


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    """Who is called where; deleting one ends it."""

    section = "People"
    list_display = ("url", "user", "events", "created_at")
    list_select_related = ("user",)
    owner = "user"
    exclude = ("nonce",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """What was sent and what was not, without the words in it."""

    section = "People"
    list_display = ("event", "webhook", "attempts", "next_at", "delivered_at", "problem")
    list_select_related = ("webhook",)
    list_filter = ("created_at",)
    ordering = ("-created_at",)
    id_fields = ("id", "webhook_id")
    exclude = ("body",)
