"""The admin's site: its name, its sections, the pages beside the lists of rows, and the board on its first page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.views.decorators.cache import never_cache

PREFIX = "office-"  # begins the names of all pages of ours
SECTIONS = ("Now", "People", "Chats", "Pictures", "Speech", "Search", "Models", "Operation", "Records")
ELSEWHERE = "Operation"
OF_OTHERS = {"auth": "People", "django_celery_beat": "Operation", "admin": "Records"}

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the admin that is no list of rows. Without a `section` no menu shows it."""

    name: str
    route: str
    view: View
    permission: str
    title: str = ""
    section: str = ""

    @property
    def address(self) -> str:
        return reverse(f"admin:{PREFIX}{self.name}")


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the board, and where it leads. `state` is "", "good", "wait" or "bad"."""

    label: str
    value: str
    note: str = ""
    address: str = ""
    state: str = ""


class NitroSite(admin.AdminSite):
    """Django's admin as a room of Nitro."""

    site_header = "Nitro"
    site_title = "Nitro administration"
    index_title = "Administration"
    index_template = "office/index.html"
    site_url = "/"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.pages: dict[str, Page] = {}
        self.board: Callable[[HttpRequest], list[Tile]] = lambda request: []

    def add(self, *pages: Page) -> None:
        """Open pages, each for those who have its permission."""
        self.pages |= {page.name: page for page in pages}

    def get_urls(self) -> list[URLResolver | URLPattern]:
        ours: list[URLResolver | URLPattern] = [
            path(page.route, self.guarded(page), name=PREFIX + page.name) for page in self.pages.values()
        ]
        return [*ours, *super().get_urls()]

    def guarded(self, page: Page) -> View:
        """The view, for staff who have its permission; never kept by a browser."""

        @wraps(page.view)
        def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(page.permission):
                raise PermissionDenied
            return page.view(request, *args, **kwargs)

        return cast(View, self.admin_view(never_cache(view)))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {"tiles": self.board(request), **(extra_context or {})})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """By what somebody looks for and not by where the code lives; for one app alone as Django does."""
        if app_label is not None:
            return super().get_app_list(request, app_label)
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in SECTIONS}
        for page in self.pages.values():
            if page.section and request.user.has_perm(page.permission):
                found[page.section].append(entry(page))
        for app in super().get_app_list(request):
            for model in app["models"]:
                found[self.section_of(model["model"])].append(model)
        return [section(name, entries) for name, entries in found.items() if entries]

    def section_of(self, model: Any) -> str:
        named = getattr(self._registry[model], "section", "") or OF_OTHERS.get(model._meta.app_label, ELSEWHERE)
        return named if named in SECTIONS else ELSEWHERE

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        """A page of ours in the admin's frame."""
        return TemplateResponse(request, template, {**self.each_context(request), "title": title, **context})


def entry(page: Page) -> dict[str, Any]:
    """A page as the menu shows a model."""
    return {
        "model": None,
        "name": page.title,
        "object_name": page.name,
        "perms": {"view": True},
        "admin_url": page.address,
        "add_url": None,
        "view_only": True,
    }


def section(name: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Some entries of the menu under one heading."""
    place = reverse("admin:index")
    anchor = f"{place}#section-{name.lower()}"
    return {"name": name, "app_label": name.lower(), "app_url": anchor, "has_module_perms": True, "models": entries}


def office() -> NitroSite:
    """The site of this installation."""
    return cast(NitroSite, admin.site)
