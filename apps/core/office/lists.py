"""Lists of rows that stay fast with a million of them: nothing is counted to the end, and searches go by index."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

if TYPE_CHECKING:
    AdminBase = admin.ModelAdmin[Any]
    PaginatorBase = Paginator[Any]
else:  # Django's classes are generic for the type checker alone
    AdminBase, PaginatorBase = admin.ModelAdmin, Paginator

EXACT_UP_TO = 5_000
ROWS_TO_LEAF_THROUGH = 5_000  # further back, a filter or a search finds what pages would not
MOST_PEOPLE = 20
MORE_PEOPLE = (
    f"More than {MOST_PEOPLE} users' names begin so, and the list has what belongs to the first {MOST_PEOPLE} of them: "
    "write more of the name to find the others."
)
ABOUT = "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass"


class EstimatingPaginator(PaginatorBase):
    """Counts exactly where that is quick; beyond, PostgreSQL's own estimate for a whole table, and "at least" else."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        beginning = rows.order_by()[: EXACT_UP_TO + 1].values("pk")
        counted: int = beginning.count()
        if counted <= EXACT_UP_TO or rows.query.where:
            return counted
        return max(counted, estimate(rows.model))

    @cached_property
    def num_pages(self) -> int:
        return max(1, -(-min(self.count, ROWS_TO_LEAF_THROUGH) // self.per_page))


def estimate(model: type[Model]) -> int:
    """How many rows a table had when PostgreSQL last looked."""
    with connection.cursor() as cursor:
        cursor.execute(ABOUT, [model._meta.db_table])
        return int(cursor.fetchone()[0])


class ReadOnlyAdmin(AdminBase):
    """Rows that other parts of Nitro make; here they are looked at, and acted upon in the background.

    `owner` is the path to whoever a row belongs to. A search is a whole id, of one of `id_fields`, or the beginning of
    a user's name: nothing else is looked through.
    """

    section: ClassVar[str] = ""
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 50
    paginator = EstimatingPaginator
    owner = ""
    id_fields: tuple[str, ...] = ("id",)
    search_fields: ClassVar[Any] = ("id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "search_help_text" not in vars(cls):
            cls.search_help_text = "A whole id, or the beginning of a user's name." if cls.owner else "A whole id."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(self.wanted(term)) if term else queryset), False

    def wanted(self, term: str) -> Q:
        """The rows that a term means."""
        if (key := as_uuid(term)) is not None:
            ids = Q()
            for name in self.id_fields:
                ids |= Q(**{name: key})
            return ids
        if not self.owner:
            return Q(pk__in=[])
        return Q(**{f"{self.owner}__in": people_called(term)})

    def leaves_out(self, term: str) -> bool:
        """Whether a term means more people than a search looks for."""
        return bool(self.owner) and as_uuid(term) is None and are_more_called(term)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Bounded


class Rough(int):
    """How many rows there are, which says "about" or "more than" of what was not counted, wherever it is written."""

    def __str__(self) -> str:
        if self <= EXACT_UP_TO:
            return super().__str__()
        return f"more than {EXACT_UP_TO:,}" if self == EXACT_UP_TO + 1 else f"about {int(self):,}"


class Bounded(ChangeList):
    """Django's list with a count that is as rough as it is, and a word below the search about whom it left out."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_count = Rough(self.result_count)
        rows, term = self.model_admin, self.query.strip()
        if term and isinstance(rows, ReadOnlyAdmin) and rows.leaves_out(term):
            self.search_help_text = f"{self.search_help_text} {MORE_PEOPLE}"


def as_uuid(term: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(term)
    except ValueError:
        return None


def people_called(beginning: str) -> list[int]:
    """The first users, by name, whose names begin so; through the index of names."""
    return list(_called(beginning)[:MOST_PEOPLE])


def are_more_called(beginning: str) -> bool:
    """Whether there are more of them than `people_called` returns."""
    return _called(beginning)[MOST_PEOPLE : MOST_PEOPLE + 1].exists()


def _called(beginning: str) -> QuerySet[Any, int]:
    found = get_user_model().objects.filter(username__startswith=beginning).order_by("username")
    return found.values_list("pk", flat=True)


def by_state(title: str, field: str, **ways: tuple[str, Callable[[], Q]]) -> type[admin.SimpleListFilter]:
    """A filter of named conditions, each a question that an index answers."""

    class Filter(admin.SimpleListFilter):
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
            return [(name, label) for name, (label, _) in ways.items()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            chosen = ways.get(self.value() or "")
            return queryset.filter(chosen[1]()) if chosen else queryset

    Filter.title = title
    return Filter


def by_deletion(shown: str) -> type[admin.SimpleListFilter]:
    """A filter of rows that are hidden for a while before they go; `shown` says where the others are seen."""
    return by_state(
        "place",
        "shown",
        shown=(shown, lambda: Q(deleted_at=None)),
        deleted=("Deleted, can be brought back", lambda: Q(deleted_at__isnull=False)),
    )
