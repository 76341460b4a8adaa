"""What the pages for people who have signed in share: their request, and how they tell what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeAlias

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails

from apps.accounts.models import User
from apps.core.errors import NitroError, NotFound

P = ParamSpec("P")


class Visit(HttpRequest):
    """A request as the middleware leaves it: somebody has signed in."""

    user: User
    htmx: HtmxDetails


View: TypeAlias = Callable[Concatenate[Visit, P], HttpResponse]


def telling(kind: type[NitroError], *, place: str = "") -> Callable[[View[P]], View[P]]:
    """A decorator for views: what is not there, or somebody else's, becomes a 404, and errors of the kind a sentence.

    With a `place`, the selector of an element, htmx puts the sentence there instead of where the view's answer goes.
    """

    def told(view: View[P]) -> View[P]:
        @wraps(view)
        def inner(request: Visit, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except NotFound as error:
                raise Http404(error.message) from error
            except kind as error:
                return _at(place, request, error) if place and request.htmx else _plain(error)

        return inner

    return told


def _at(place: str, request: Visit, error: NitroError) -> HttpResponse:
    """The status is one with which htmx changes the page."""
    response = render(request, "components/problem.html", {"problem": error})
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = place, "innerHTML"
    return response


def _plain(error: NitroError) -> HttpResponse:
    said = f"{error.message} {error.hint}".strip()
    return HttpResponse(said, status=error.status, content_type="text/plain; charset=utf-8")
