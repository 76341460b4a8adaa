"""The admin's pages of accounts open, and show no secret."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts import services
from apps.accounts.models import SignInLink, User
from tests import cast


@pytest.fixture
def office(client: Client, db: None) -> Client:
    client.force_login(cast.admin())
    return client


@pytest.mark.parametrize("page", ["user", "apikey", "signinlink"])
def test_the_lists_open(office: Client, page: str) -> None:
    services.api_key_create(user=cast.alice(), name="a")
    services.sign_in_link_create(user=cast.alice())
    assert office.get(f"/admin/accounts/{page}/").status_code == 200


def test_a_key_and_a_link_show_no_hash_and_cannot_be_made_here(office: Client) -> None:
    key = services.api_key_create(user=cast.alice(), name="a").key
    services.sign_in_link_create(user=cast.alice())
    link = SignInLink.objects.get()
    assert key.key_hash not in office.get(f"/admin/accounts/apikey/{key.pk}/change/").content.decode()
    assert link.token_hash not in office.get(f"/admin/accounts/signinlink/{link.pk}/change/").content.decode()
    assert office.get("/admin/accounts/apikey/add/").status_code == 403


def test_what_somebody_told_nitro_about_themselves_is_not_shown(office: Client) -> None:
    User.objects.filter(pk=cast.alice().pk).update(system_prompt="a secret wish")
    page = office.get(f"/admin/accounts/user/{cast.alice().pk}/change/")
    assert page.status_code == 200
    assert b"a secret wish" not in page.content


def test_ordinary_users_have_no_admin(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/admin/accounts/user/").status_code == 302
