"""How pages tell what went wrong: nothing there, a sentence, or a sentence at its place in a page that stays."""

from __future__ import annotations

from typing import cast

import pytest
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxMiddleware

from apps.accounts.pages import Visit, telling
from apps.core.errors import Conflict, Invalid, NitroError, NotFound

EMPTY = Invalid("„Leer“ is no name.", hint="Choose another.")


def asked(error: NitroError, *, place: str = "", htmx: bool = False) -> HttpResponse:
    """What a visitor gets of a view that fails."""

    @telling(Invalid, place=place)
    def view(request: Visit) -> HttpResponse:
        raise error

    def respond(request: HttpRequest) -> HttpResponse:
        return view(cast(Visit, request))

    headers = {"HX-Request": "true"} if htmx else {}
    response = HtmxMiddleware(respond)(RequestFactory().get("/", headers=headers))
    assert isinstance(response, HttpResponse)
    return response


def test_what_is_not_there_is_a_404() -> None:
    with pytest.raises(Http404, match="no such chat"):
        asked(NotFound("There is no such chat."))


def test_an_error_is_a_sentence_with_its_hint() -> None:
    response = asked(EMPTY)
    assert (response.status_code, response.content.decode()) == (400, "„Leer“ is no name. Choose another.")
    assert response["Content-Type"] == "text/plain; charset=utf-8"


def test_in_a_page_that_stays_the_sentence_has_its_place() -> None:
    response = asked(EMPTY, place="#problem", htmx=True)
    assert (response.status_code, response["HX-Retarget"], response["HX-Reswap"]) == (200, "#problem", "innerHTML")
    assert "„Leer“ is no name. Choose another." in response.content.decode()


def test_without_a_place_or_without_htmx_it_is_plain() -> None:
    for response in (asked(EMPTY, htmx=True), asked(EMPTY, place="#problem")):
        assert (response.status_code, "HX-Retarget" in response) == (400, False)


def test_errors_of_another_kind_are_not_hidden() -> None:
    with pytest.raises(Conflict):
        asked(Conflict("It has changed."))
