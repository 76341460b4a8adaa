"""Every address, asked by everybody: the status is the one in the table, and nothing of Alice's shows or changes."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from tests import cast
from tests.access.rows import ROWS
from tests.access.table import PEOPLE, SIGN_IN, Row
from tests.access.world import World, belongings, browser, routes, world

CASES = [pytest.param(row, person, id=f"{row.method} {row.route} {person}") for row in ROWS for person in PEOPLE]
OWNERS = {"owner"}


def ask(client: Client, row: Row, names: World) -> HttpResponse:
    call = getattr(client, row.method)
    form = names.fill(row.form)
    response: HttpResponse = (
        call(names.address(row), form, content_type="application/json")
        if row.json
        else call(names.address(row), form, headers={"accept": "text/html"})
    )
    return response


@pytest.mark.django_db
@pytest.mark.parametrize(("row", "person"), CASES)
def test_everybody_gets_what_the_table_says(row: Row, person: str) -> None:
    names = world()
    response = ask(browser(person, row), row, names)
    assert response.status_code == row.status(person)
    if response.status_code == SIGN_IN and row.status("owner") != SIGN_IN:
        assert response.headers["Location"].startswith("/accounts/sign-in/")


@pytest.mark.django_db
@pytest.mark.parametrize("person", [person for person in PEOPLE if person not in OWNERS])
def test_nobody_else_sees_or_changes_anything_of_alice(person: str) -> None:
    names = world()
    before = belongings()
    for row in ROWS:
        if row.route == "accounts:link":
            continue  # signs in as Alice, as it should
        content = ask(browser(person, row), row, names).content.decode("utf-8", "replace")
        assert "canary" not in content, row
        assert "Alice's secret" not in content.replace("&#x27;", "'"), row
    assert belongings() == before


def test_every_address_is_in_the_table() -> None:
    missing = set(routes()) - {row.route for row in ROWS}
    assert not missing, f"add rows for {missing} to tests/access/<app>.py"


def test_every_row_is_an_address() -> None:
    assert {row.route for row in ROWS} <= set(routes())


def admin_addresses() -> list[str]:
    """Every page of Django's admin that can be named, for the object number 1."""
    found = []
    for name in get_resolver().namespace_dict["admin"][1].reverse_dict:
        for arguments in ([], [1], ["auth", "x"], ["auth"]):
            try:
                if isinstance(name, str):
                    found.append(reverse(f"admin:{name}", args=arguments))
            except NoReverseMatch:
                continue
    return sorted(set(found))


@pytest.mark.django_db
@pytest.mark.parametrize("person", ["owner", "anonymous", "inactive", "key"])
def test_the_admin_is_closed_to_everybody_but_staff(person: str) -> None:
    row = Row("admin", "get", (302,) * 6)
    client = browser(person, row)
    open_to_all = {"/admin/login/", "/admin/logout/", "/admin/jsi18n/"}
    addresses = admin_addresses()
    assert len(addresses) > 20
    for address in addresses:
        if address not in open_to_all:
            response = client.get(address)
            assert response.status_code == 302, address
            assert "login" in response.headers["Location"] or "sign-in" in response.headers["Location"], address


@pytest.mark.django_db
@pytest.mark.parametrize("row", [row for row in ROWS if row.method == "post"], ids=lambda row: row.route)
def test_nothing_is_changed_without_the_token_of_a_form(row: Row) -> None:
    names = world()
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.alice())
    assert ask(client, row, names).status_code == 403
